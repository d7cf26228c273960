"""Keys and certificates of a server and a client, made for a test."""

import datetime
from dataclasses import dataclass

import grpc
import pytest

NAME = "translate.example"


@dataclass(frozen=True)
class Identity:
    """A private key and the certificate that an authority made of it, as PEM."""

    key: bytes
    certificate: bytes


@dataclass(frozen=True)
class Certificates:
    """What a server for `NAME` or localhost and its clients need, valid for an hour."""

    authority: bytes
    server: Identity
    client: Identity


def make_certificates() -> Certificates:
    pytest.importorskip("cryptography", reason="it makes the certificates of these tests")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    authority_key = ec.generate_private_key(ec.SECP256R1())
    hosts = [x509.DNSName(NAME), x509.DNSName("localhost")]
    authority_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])

    def issue(name: x509.Name, key: ec.EllipticCurvePrivateKey, is_authority: bool) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder(authority_name, name, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        )
        certificate = builder.sign(authority_key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM)

    def identify(name: str) -> Identity:
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        return Identity(pem, issue(subject, key, is_authority=False))

    return Certificates(
        authority=issue(authority_name, authority_key, is_authority=True),
        server=identify(NAME),
        client=identify("a client"),
    )


def credentials(certificates: Certificates, asks_client: bool = False) -> grpc.ServerCredentials:
    """What a server of `NAME` needs; one that asks clients takes those of the same authority."""
    return grpc.ssl_server_credentials(
        [(certificates.server.key, certificates.server.certificate)],
        root_certificates=certificates.authority if asks_client else None,
        require_client_auth=asks_client,
    )
