"""A pytest plugin: httpx's clients in a test process share one context with the system's certificates.

To read them takes 20 ms of a core for each client, and tests open thousands. A client that is given certificates, or is
to check none, has a context of its own.
"""

import os
import ssl
from functools import cache

import pytest
from httpx import create_ssl_context


def pytest_configure() -> None:
    """Replace what makes a client's context."""
    pytest.MonkeyPatch().setattr("httpx._transports.default.create_ssl_context", _context)


def _context(verify: ssl.SSLContext | str | bool = True, cert: object = None, trust_env: bool = True) -> ssl.SSLContext:
    if verify is True and cert is None:
        return _usual(trust_env, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    return create_ssl_context(verify=verify, cert=cert, trust_env=trust_env)  # type: ignore[arg-type] # httpx's own type


@cache
def _usual(trust_env: bool, *_places: str | None) -> ssl.SSLContext:
    return create_ssl_context(trust_env=trust_env)
