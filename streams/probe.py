"""python -m streams.probe URL: exits with 0 if the URL answers 200, else with 1. For a container's health check.

It only checks processes in its own container, so certificates are not verified. It uses only the standard library, so
that it starts fast.
"""

import ssl
import sys
from http.client import HTTPException
from urllib.error import URLError
from urllib.request import urlopen

SECONDS = 5.0


def main(url: str) -> int:
    """Return the exit code: 0 if `url` answers 200 within 5 s, else 1. If it cannot be reached, the error is written to
    standard error.

    A URL that is not on 127.0.0.1 is refused without a request, with the exit code 1 and a text on standard error.
    """
    if not url.startswith(("http://127.0.0.1:", "https://127.0.0.1:")):
        sys.stderr.write(f"{url}: write http://127.0.0.1:port/readyz; only what runs here is asked\n")
        return 1
    try:
        with urlopen(url, timeout=SECONDS, context=_anybody() if url.startswith("https") else None) as answer:  # noqa: S310 - looked at above
            return int(answer.status != 200)
    except (URLError, OSError, HTTPException, OverflowError) as error:  # the last: a port over 65535
        sys.stderr.write(f"{url}: {error}\n")
        return 1


def _anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or [""]))
