"""Certificates of a test authority, made with openssl, and the settings that hand them to Beadle."""

import ssl

from . import machine


class Authority:
    """A certificate authority of one run."""

    def __init__(self):
        self.place = machine.folder("authority")
        self.key = self.place / "ca.key"
        self.certificate = self.place / "ca.pem"
        machine.run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=Test authority", "-keyout", self.key, "-out", self.certificate,
        ])  # fmt: skip

    def issue(self, name):
        """A certificate for a host name; returns the paths of chain and key."""
        key, request, certificate = (self.place / f"{name}.{end}" for end in ("key", "csr", "pem"))
        extensions = self.place / f"{name}.ext"
        extensions.write_text(f"subjectAltName=DNS:{name}\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n")
        machine.run([
            "openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", f"/CN={name}", "-keyout", key, "-out", request,
        ])  # fmt: skip
        machine.run([
            "openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
            "-days", "2", "-extfile", extensions, "-out", certificate,
        ])  # fmt: skip
        key.chmod(0o600)
        return certificate, key


def listener(certificate, key):
    """A configuration whose listener has a certificate; the address comes from the flags."""
    return f'[[listener]]\ntls = {{ certificate = "{certificate}", key = "{key}" }}\n'


def server_context(certificate, key, client_authority=None):
    """What a recording next hop needs to speak TLS; asks for a client certificate when an authority is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if client_authority:
        context.load_verify_locations(client_authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(authority, certificate=None, key=None):
    """A client that verifies the server and may present a certificate."""
    context = ssl.create_default_context(cafile=str(authority))
    context.check_hostname = False
    if certificate:
        context.load_cert_chain(certificate, key)
    return context
