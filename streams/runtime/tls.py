"""TLS for Quanzu's own servers, and diagnosis of refused TLS connections to other servers."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.runtime.files import Changes
from streams.runtime.settings import SettingsError
from streams.runtime.tasks import wanted

REACH_SECONDS = 4.0
EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
OTHER_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH


def refusal(host: str, port: int, context: ssl.SSLContext | None, ca: str, tls: str) -> str | None:
    """Connect to a server, and return a text: why TLS fails there and how to correct it. None if TLS works, or no
    server answers. Blocking.

    `context`: the TLS context to use; None: the settings use no TLS, and a server that requires TLS is reported. `ca`:
    the name of the setting with the CA file, such as QUANZU_KAFKA_CA; `tls`: the advice on where TLS is set. Both are
    put into the text.
    """
    try:
        with socket.create_connection((host, port), REACH_SECONDS) as connection:
            return _trusted(connection, host, context, ca, tls) if context else _open(connection, tls)
    except OSError:
        return None  # unavailable, not refused


def distrust(error: ssl.SSLCertVerificationError, ca: str) -> str:
    """Return a text: why a server's certificate is not trusted, and how to correct it.

    `ca`: the name of the setting with the CA file.
    """
    if error.verify_code == EXPIRED:
        return "its certificate has expired. Give the server a new one: nobody can tell that it is the right one"
    if error.verify_code in OTHER_NAME:
        return f"its certificate is for another name ({error.verify_message}). Issue it for the name it is reached by"
    return (
        f"its certificate is of nobody trusted ({error.verify_message}). Set {ca} to the file of the authority that "
        "issued it; if it is a stranger's, find out who answers there"
    )


def _trusted(connection: socket.socket, host: str, context: ssl.SSLContext, ca: str, tls: str) -> str | None:
    try:
        context.wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        return distrust(error, ca)
    except (ssl.SSLError, ConnectionError):  # but not TimeoutError: the server may only be busy or frozen
        return f"it does not speak TLS on this port. Use its TLS port, or see {tls}"
    return None


def _open(connection: socket.socket, tls: str) -> str | None:
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = (
        False,
        ssl.CERT_NONE,
    )  # no data is sent over it
    try:
        anyone.wrap_socket(connection).close()
    except (OSError, ValueError):
        return None
    return f"it speaks TLS only on this port, and was spoken to openly. {tls}"


log = logging.getLogger(__name__)

SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""The cipher suites of TLS 1.2: authenticated encryption, forward secrecy (RFC 9325, 4.2). TLS 1.3 has no others."""
RENEW_SECONDS = 10.0  # between two checks whether a certificate was replaced
HOW = "Name PEM files: the certificate with its chain, and its key without a pass phrase, which this user may read"


@dataclass(frozen=True, slots=True)
class Tls:
    """The TLS files of a server, as PEM: its `certificate` with the chain, and its private `key`. Both None: no TLS.

    `setting`: the common prefix of the settings that name the files, such as QUANZU_INTAKE. `clients`: the CA file
    for client certificates; None: clients are not asked for a certificate.
    """

    setting: str
    certificate: Path | None
    key: Path | None
    clients: Path | None = None

    def context(self) -> ssl.SSLContext | None:
        """Return a new TLS context for the server, or None if neither certificate nor key is set.

        Raises SettingsError if only one of them is set, if `clients` is set without them, or if a file is unusable.
        """
        if self.certificate is None and self.key is None:
            if self.clients is not None:
                raise SettingsError(f"{self.setting}_CLIENT_CA is set, and no {self.setting}_CERTIFICATE. {HOW}")
            return None
        if self.certificate is None or self.key is None:
            raise SettingsError(f"{self.setting}_CERTIFICATE and {self.setting}_KEY belong together: set both. {HOW}")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(SUITES)
        self._load(context, self.certificate, self.key)
        return context

    async def renew(self, context: ssl.SSLContext) -> None:
        """Check the files every 10 s, and load replaced ones into `context`, until cancelled; return at once without
        TLS.

        Open connections keep the old certificate. An unusable file is logged, and the old certificate stays in use. A
        replaced CA for clients is added; the old CA stays trusted until the next start.
        """
        if self.certificate is None or self.key is None:
            return
        changes = Changes(self.certificate, self.key, *([self.clients] if self.clients else []))
        while wanted():
            await asyncio.sleep(RENEW_SECONDS)
            if not changes.any():
                continue
            try:
                self.context()  # a separate trial: a certificate without its new key must not break the one in use
                self._load(context, self.certificate, self.key)
            except SettingsError as error:
                log.warning("the certificate that was read before stays in use: %s", error)
            else:
                log.warning("%s_CERTIFICATE was exchanged: new connections are shown it", self.setting)

    def _load(self, context: ssl.SSLContext, certificate: Path, key: Path) -> None:
        try:
            context.load_cert_chain(certificate, key, password=_no_pass_phrase)
        except (OSError, ssl.SSLError, ValueError) as error:
            why = getattr(error, "reason", None) or error.strerror if isinstance(error, OSError) else error
            files = f"{self.setting}_CERTIFICATE = {certificate}, {self.setting}_KEY = {key}"
            raise SettingsError(f"{files}: {why}. {HOW}") from None
        self._know_clients(context)

    def _know_clients(self, context: ssl.SSLContext) -> None:
        if self.clients is None:
            return
        try:
            context.load_verify_locations(self.clients)
        except (OSError, ssl.SSLError) as error:
            why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
            raise SettingsError(f"{self.setting}_CLIENT_CA = {self.clients}: {why}. {HOW}") from None
        # A client without a certificate gets an error answer and may still use health checks; a wrong one is cut off.
        context.verify_mode = ssl.CERT_OPTIONAL


def names(peer: Mapping[str, Any] | None) -> Sequence[str]:
    """Return the common names and then the DNS names in a verified client certificate; empty if the client
    showed none.
    """
    if not peer:
        return ()
    common = [value for part in peer.get("subject", ()) for kind, value in part if kind == "commonName"]
    return (*common, *(value for kind, value in peer.get("subjectAltName", ()) if kind == "DNS"))


def _no_pass_phrase() -> str:
    """Refuse a key with a pass phrase: OpenSSL would ask for it on the terminal."""
    raise ValueError("the key has a pass phrase")
