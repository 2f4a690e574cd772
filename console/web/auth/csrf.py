"""Against requests that another page makes a browser send: a token of the session, in every form."""

import hashlib
import hmac

from fastapi import Request

from console.web.services import services
from console.web.who import ForbiddenError, Who

FIELD, HEADER = "csrf", "x-csrf-token"


def token(key: bytes, who: Who) -> str:
    """The token of a person's session."""
    return hmac.digest(key, f"csrf:{who.session}".encode(), hashlib.sha256).hex()


async def check(request: Request, who: Who) -> None:
    """Raises ForbiddenError when the request does not come from one of our pages. A bearer's token is proof enough."""
    if request.headers.get("authorization"):
        return
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ForbiddenError
    given = request.headers.get(HEADER) or str((await request.form()).get(FIELD, ""))
    if not hmac.compare_digest(given.encode(), token(services(request).line.settings.key(), who).encode()):
        raise ForbiddenError
