"""What the files hold that a gateway's configuration names: the keys of orders and receipts, and certificates."""

import ssl
from pathlib import Path

from streams.channels.settings import LEAST_KEY
from streams.channels.signing import MOST_KEYS
from streams.runtime.secret_files import FileFaultError, read_secret


def signing_keys(file: Path, channel: str) -> tuple[bytes, ...]:
    """Return the one or two keys in `file` (one a line, as UTF-8 bytes) that sign orders and receipts, the current key
    first. `channel`: named in the text of an error only.

    Raises FileFaultError if the file cannot be read, is empty, is over 64 KiB or open to every user of the machine, or
    has more than two keys or a key of fewer than 16 bytes.
    """
    found = tuple(line.strip().encode() for line in read_secret(file).splitlines() if line.strip())
    if len(found) > MOST_KEYS or any(len(each) < LEAST_KEY for each in found):
        raise FileFaultError(
            "keys",
            f"the file must have one or two lines, each a key of {LEAST_KEY} characters or more",
            f"Write the key `{channel}` of QUANZU_RECEIPTS_SECRET; during a change, the former one below it",
        )
    return found


def trusting(ca: Path | None, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """Return the TLS context (1.2 or later) for connections to a server whose certificate an authority in the PEM file
    `ca` has issued (None: one of the system's authorities). `certificate`, `key`: PEM files of this end, for a server
    that asks for a certificate.

    Raises FileFaultError with the code bad_certificate if a file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        fix = "Name PEM files: the authority's certificates; certificate and key of this end, without a pass phrase"
        raise FileFaultError("bad_certificate", f"the certificates cannot be used ({error})", fix) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
