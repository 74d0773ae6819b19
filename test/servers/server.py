"""Asks for a client certificate of root.crt, says whom it saw, and answers "hello": python3 server.py PORT
required|optional [legacy], in the folder of the files."""

import os
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, asks, *legacy = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("server.crt", "server.key")
context.load_verify_locations("root.crt")
context.verify_mode = ssl.CERT_REQUIRED if asks == "required" else ssl.CERT_OPTIONAL
if os.path.getsize("revoked.crl"):
    context.load_verify_locations("revoked.crl")
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
if legacy:
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")


class Server(ThreadingHTTPServer):
    """Shakes hands in the thread of each connection: one that is slow holds up no other."""

    def finish_request(self, request, client_address):
        request.settimeout(20)
        try:
            with context.wrap_socket(request, server_side=True) as tls:
                super().finish_request(tls, client_address)
        except OSError as error:
            print("refused", error, flush=True)


class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        subject = (self.connection.getpeercert() or {}).get("subject", ())
        names = ",".join(f"CN={value}" for ((name, value),) in subject if name == "commonName")
        print(f'seen {self.connection.version()} "{names}" {self.request_version}', flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *args):
        pass


Server(("127.0.0.1", int(port)), Hello).serve_forever()
