"""Demands a client certificate of root.crt, and answers "hello": python3 server.py PORT, in the folder of the files."""

import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("server.crt", "server.key")
context.load_verify_locations("root.crt")
context.load_verify_locations("revoked.crl")
context.verify_mode = ssl.CERT_REQUIRED
context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


class Server(ThreadingHTTPServer):
    """Shakes hands in the thread of each connection: one that is slow holds up no other."""

    def finish_request(self, request, client_address):
        request.settimeout(20)
        try:
            with context.wrap_socket(request, server_side=True) as tls:
                super().finish_request(tls, client_address)
        except OSError:
            pass


class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *args):
        pass


Server(("127.0.0.1", int(sys.argv[1])), Hello).serve_forever()
