"""httpx: an ssl.SSLContext with load_cert_chain, as its documentation tells; it reads PEM."""

import ssl

import httpx
from protocol import NoWay, serve


def create(op):
    certificate = op["certificate"]
    if "pfx" in certificate or "jks" in certificate:
        raise NoWay("load_cert_chain takes PEM")
    context = ssl.create_default_context(cafile=op.get("ca"))
    if "key" in certificate:
        file = certificate.get("cert") or certificate["p7b"]
        context.load_cert_chain(file, certificate["key"], certificate.get("passphrase"))
    proxy = httpx.Proxy(op["proxy"], ssl_context=ssl.create_default_context(cafile=op.get("ca"))) if op.get("proxy") else None
    client = httpx.Client(verify=context, proxy=proxy, follow_redirects=True, trust_env=False, timeout=20)

    def get(url):
        return client.get(url).status_code

    return get


serve(create)
