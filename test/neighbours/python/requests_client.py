"""requests: its Pkcs12Adapter (requests-pkcs12) for a PFX, `cert=(cert, key)` for PEM."""

import requests
from protocol import NoWay, serve
from requests_pkcs12 import Pkcs12Adapter


def create(op):
    certificate = op["certificate"]
    if "jks" in certificate:
        raise NoWay("pkcs12_filename, or cert=(cert, key)")
    session = requests.Session()
    session.trust_env = False
    if op.get("ca"):
        session.verify = op["ca"]
    if op.get("proxy"):
        session.proxies = {"https": op["proxy"]}
    if "pfx" in certificate:
        adapter = Pkcs12Adapter(
            pkcs12_filename=certificate["pfx"],
            pkcs12_password=certificate["passphrase"],
            pool_maxsize=100,
        )
        session.mount("https://", adapter)
    elif "key" in certificate:
        if "passphrase" in certificate:
            raise NoWay("cert=(cert, key) takes no passphrase")
        session.cert = (certificate.get("cert") or certificate["p7b"], certificate["key"])

    def get(url):
        return session.get(url, timeout=20).status_code

    return get


serve(create)
