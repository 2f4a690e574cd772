"""Why a server and this process do not come to speak to each other over TLS, in words."""

import socket
import ssl

REACH_SECONDS = 4.0
EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
OTHER_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH


def refusal(host: str, port: int, context: ssl.SSLContext | None, ca: str, tls: str) -> str | None:
    """What is wrong with TLS there and what to do; none when nothing is, or nobody answers at all.

    `context`: how it is spoken to; none: openly. `ca`, `tls`: the settings to name, such as QUANZU_KAFKA_CA.
    """
    try:
        with socket.create_connection((host, port), REACH_SECONDS) as connection:
            return _trusted(connection, host, context, ca, tls) if context else _open(connection, tls)
    except OSError:
        return None  # away, and not refused


def distrust(error: ssl.SSLCertVerificationError, ca: str) -> str:
    """Why a certificate is not believed, and what to do."""
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
    except (ssl.SSLError, ConnectionError):  # who says nothing in time may only be busy, or frozen
        return f"it does not speak TLS on this port. Use its TLS port, or see {tls}"
    return None


def _open(connection: socket.socket, tls: str) -> str | None:
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = (
        False,
        ssl.CERT_NONE,
    )  # nothing is said to it
    try:
        anyone.wrap_socket(connection).close()
    except (OSError, ValueError):
        return None
    return f"it speaks TLS only on this port, and was spoken to openly. {tls}"
