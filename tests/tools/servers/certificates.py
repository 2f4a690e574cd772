"""Certificates of a test's own authority: right ones, expired ones, and those of an authority nobody trusts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

HERE = "127.0.0.1"


class Authority:
    """Issues certificates; `ca` is the file that whoever trusts it is given."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._ca = trustme.CA()
        self._folder = folder / name
        self._folder.mkdir(parents=True)
        self.ca = self._folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.ca))

    def issue(self, name: str, *identities: str, expired: bool = False) -> "Certificate":
        """A certificate with the common name `name`, for these addresses and names; else for the loopback."""
        ended = datetime.now(UTC) - timedelta(days=1) if expired else None
        leaf = self._ca.issue_cert(*(identities or (HERE,)), common_name=name, not_after=ended)
        chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        made = Certificate(self._folder / f"{name}.crt", self._folder / f"{name}.key", self._folder / f"{name}.pem")
        key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
        # Kafka reads a key as PKCS#8 only.
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        made.certificate.write_bytes(chain)
        made.key.write_bytes(private)
        made.both.write_bytes(private + chain)
        return made


class Certificate:
    """Its files: the certificate with its chain, the key, and both in one."""

    def __init__(self, certificate: Path, key: Path, both: Path) -> None:
        self.certificate, self.key, self.both = certificate, key, both
