"""TLS chains for tests: one certificate authority, and server certificates that are right or wrong."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY: Final = dt.timedelta(days=1)
KINDS: Final = ("good", "wrong-name", "expired")


@dataclass(frozen=True)
class Chain:
    """Files in PEM: the authority's certificate, a server's certificate and its key."""

    ca: Path
    cert: Path
    key: Path


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(subject: str, key: ec.EllipticCurvePrivateKey, end: dt.datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name("Authority of the tests"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - 30 * DAY)
        .not_valid_after(end)
    )


def _names(kind: str) -> x509.SubjectAlternativeName:
    if kind == "wrong-name":
        return x509.SubjectAlternativeName([x509.DNSName("elsewhere.example")])
    return x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def make(folder: Path, kind: str) -> Chain:
    """A chain of one of `KINDS`, in files of `folder`."""
    now = dt.datetime.now(dt.UTC)
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _builder("Authority of the tests", authority, now + DAY)
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    root_cert = root.sign(authority, hashes.SHA256())
    leaf = _builder("127.0.0.1", server, now - DAY if kind == "expired" else now + DAY)
    leaf_cert = leaf.add_extension(_names(kind), critical=False).sign(authority, hashes.SHA256())
    chain = Chain(folder / f"{kind}-ca.pem", folder / f"{kind}.pem", folder / f"{kind}.key")
    chain.ca.write_bytes(root_cert.public_bytes(serialization.Encoding.PEM))
    chain.cert.write_bytes(leaf_cert.public_bytes(serialization.Encoding.PEM))
    chain.key.write_bytes(_pem(server))
    return chain
