"""python -m streams.probe URL: ends with 0 when it answers 200, as a container's health check asks, else with 1.

Of this container's own processes only, so whoever vouches for the certificate does not matter; no library but
Python's own, so that it costs little however often it is asked.
"""

import ssl
import sys
from urllib.error import URLError
from urllib.request import urlopen

SECONDS = 5.0


def main(url: str) -> int:
    """What the process ends with."""
    if not url.startswith(("http://127.0.0.1:", "https://127.0.0.1:")):
        sys.stderr.write(f"{url}: write http://127.0.0.1:port/readyz; only what runs here is asked\n")
        return 1
    try:
        with urlopen(url, timeout=SECONDS, context=_anybody() if url.startswith("https") else None) as answer:  # noqa: S310 - looked at above
            return int(answer.status != 200)
    except (URLError, OSError) as error:
        sys.stderr.write(f"{url}: {error}\n")
        return 1


def _anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or [""]))
