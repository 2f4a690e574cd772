"""Routes of the start address and the choice of language."""

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from console.web.auth.who import Signed
from console.web.kit.door import EVERYBODY, Door
from console.web.kit.i18n import COOKIE, LANGUAGES
from console.web.kit.local import local_path
from console.web.kit.navigation import home

door = Door()
YEAR = 365 * 24 * 3600


@door.page("/", EVERYBODY, name="front")
async def front(request: Request, who: Signed) -> Response:
    """Redirect to the first page of the person's role."""
    return RedirectResponse(home(who), 303)


@door.public("GET", "/language/{language}", name="language")
async def language(request: Request, language: str, back: str = "/") -> Response:
    """Set the language cookie, and redirect to `back` if it is a path of the console, else to the start page.

    An unknown language is ignored.
    """
    answer = RedirectResponse(local_path(back), 303)
    if language in LANGUAGES:
        answer.set_cookie(COOKIE, language, max_age=YEAR, path="/", secure=True, httponly=True, samesite="lax")
    return answer
