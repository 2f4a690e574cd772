"""Against requests that another page makes a browser send: a token of the session, in every form."""

import hashlib
import hmac
from urllib.parse import urlsplit

from fastapi import Request

from console.web.auth.tokens import is_program
from console.web.auth.who import ForbiddenError, Who
from console.web.kit.services import services

FIELD, HEADER = "csrf", "x-csrf-token"


def token(key: bytes, who: Who) -> str:
    """The token of a person's session."""
    return hmac.digest(key, f"csrf:{who.session}".encode(), hashlib.sha256).hex()


async def check(request: Request, who: Who) -> None:
    """Raises ForbiddenError when the request does not come from one of our pages. A program's token is proof enough."""
    if is_program(who):
        return
    refuse_others(request)
    given = request.headers.get(HEADER) or str((await request.form()).get(FIELD, ""))
    if not hmac.compare_digest(given.encode(), token(services(request).line.settings.key(), who).encode()):
        raise ForbiddenError


def refuse_others(request: Request) -> None:
    """Before somebody is signed in there is no token yet: what the browser says of where it comes from must do.

    Raises ForbiddenError when another's page sends the form, which would sign its reader in as somebody else.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise ForbiddenError
    origin = request.headers.get("origin")
    if site is None and origin is not None and urlsplit(origin).netloc != request.url.netloc:
        raise ForbiddenError
