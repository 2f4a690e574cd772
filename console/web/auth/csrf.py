"""Protection against cross-site request forgery: every form carries a token derived from the session."""

import hashlib
import hmac
from urllib.parse import urlsplit

from fastapi import Request

from console.web.auth.tokens import is_program
from console.web.auth.who import ForbiddenError, Who
from console.web.kit.services import services

FIELD, HEADER = "csrf", "x-csrf-token"


def token(key: bytes, who: Who) -> str:
    """Return the session's CSRF token, 64 hex digits."""
    return hmac.digest(key, f"csrf:{who.session}".encode(), hashlib.sha256).hex()


async def check(request: Request, who: Who) -> None:
    """Raise ForbiddenError if another site's page sent the request, or if it lacks the session's CSRF token.

    Requests of programs with an API token are not checked.
    """
    if is_program(who):
        return
    refuse_others(request)
    given = request.headers.get(HEADER) or str((await request.form()).get(FIELD, ""))
    if not hmac.compare_digest(given.encode(), token(services(request).line.settings.key(), who).encode()):
        raise ForbiddenError


def refuse_others(request: Request) -> None:
    """Raise ForbiddenError if another site's page sent the form, by the browser's Sec-Fetch-Site or Origin header. A
    request with neither header passes.

    Another site's form could sign the reader in to a foreign account.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise ForbiddenError
    origin = request.headers.get("origin")
    if site is None and origin is not None and _host(origin) != request.url.netloc:
        raise ForbiddenError


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
