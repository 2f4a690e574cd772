"""TLS of the servers that Quanzu itself is: intake's and the console's; and mutual TLS, by which a feed is known."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.settings import SettingsError

HOW = "Name PEM files: the certificate with its chain, and its key without a pass phrase, which this user may read"


@dataclass(frozen=True, slots=True)
class Tls:
    """`setting`: what the variables begin with, QUANZU_INTAKE. `clients`: the file of who vouches for clients."""

    setting: str
    certificate: Path | None
    key: Path | None
    clients: Path | None = None

    def context(self) -> ssl.SSLContext | None:
        """None: served openly. Raises SettingsError when the files are not as they must be."""
        if self.certificate is None and self.key is None:
            if self.clients is not None:
                raise SettingsError(f"{self.setting}_CLIENT_CA is set, and no {self.setting}_CERTIFICATE. {HOW}")
            return None
        if self.certificate is None or self.key is None:
            raise SettingsError(f"{self.setting}_CERTIFICATE and {self.setting}_KEY belong together: set both. {HOW}")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_pass_phrase)
        except (OSError, ssl.SSLError, ValueError) as error:
            why = getattr(error, "reason", None) or error.strerror if isinstance(error, OSError) else error
            files = f"{self.setting}_CERTIFICATE = {self.certificate}, {self.setting}_KEY = {self.key}"
            raise SettingsError(f"{files}: {why}. {HOW}") from None
        self._know_clients(context)
        return context

    def _know_clients(self, context: ssl.SSLContext) -> None:
        if self.clients is None:
            return
        try:
            context.load_verify_locations(self.clients)
        except (OSError, ssl.SSLError) as error:
            why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
            raise SettingsError(f"{self.setting}_CLIENT_CA = {self.clients}: {why}. {HOW}") from None
        # Who shows none is told so in words, and may still ask whether the server lives; a wrong one is cut off.
        context.verify_mode = ssl.CERT_OPTIONAL


def names(peer: Mapping[str, Any] | None) -> Sequence[str]:
    """The names in a client's certificate that was verified: its common name, and its DNS names."""
    if not peer:
        return ()
    common = [value for part in peer.get("subject", ()) for kind, value in part if kind == "commonName"]
    return (*common, *(value for kind, value in peer.get("subjectAltName", ()) if kind == "DNS"))


def _no_pass_phrase() -> str:
    """Else OpenSSL would ask the terminal."""
    raise ValueError("the key has a pass phrase")
