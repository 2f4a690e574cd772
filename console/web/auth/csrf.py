"""Protection against cross-site request forgery: every form carries a token derived from the session."""

from urllib.parse import urlsplit

from fastapi import Request

from console.web.auth.tokens import is_program
from console.web.auth.who import ForbiddenError, Who
from console.web.kit.services import services
from domain.access.key_rings import KeyPurpose, KeyRing

FIELD, HEADER = "csrf", "x-csrf-token"


def token(keys: KeyRing, who: Who) -> str:
    """Return the CSRF token of the person's session: a keyed hash of the session's id, 64 hex digits. `keys`: the
    installation's keys for sessions.
    """
    return keys.digest(_to_hash(who))


async def check(request: Request, who: Who) -> None:
    """Raise ForbiddenError if another site's page sent the request, or if it lacks the session's CSRF token. Raises
    HTTPException (400) if the form cannot be parsed.

    Requests of programs with an API token are not checked.
    """
    if is_program(who):
        return
    refuse_others(request)
    given = request.headers.get(HEADER) or str((await request.form()).get(FIELD, ""))
    if not services(request).keys(KeyPurpose.SESSION).matches_digest(_to_hash(who), given):
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


def _to_hash(who: Who) -> str:
    return f"csrf:{who.session}"


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
