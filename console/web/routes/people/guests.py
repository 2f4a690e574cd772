"""Route by which guests of a demo sign in. It answers 404 outside a demo."""

import hmac

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from console.web.auth.sessions import give
from console.web.auth.who import NotFoundError
from console.web.kit.door import Door
from console.web.kit.errors import ERRORS, error_response
from console.web.kit.i18n import translate
from console.web.kit.services import services
from domain.access.step_up import SignedInBy

door = Door("/guest")


@door.public("GET", "/{token}", name="guest")
async def enter(request: Request, token: str) -> Response:
    """Sign in as the guest with this token and redirect to the start page. 404 for an unknown token; raises
    NotFoundError if the console has no guests. Errors of Redis pass through.
    """
    made = services(request)
    guest = next((each for each in made.guests if hmac.compare_digest(each.token.encode(), token.encode())), None)
    if guest is None and made.guests:
        words = translate(request, "演示已重新开始，此入口已失效：请使用启动演示的终端里列出的新入口。")
        return error_response(request, 404, words, ERRORS[404])
    if guest is None:
        raise NotFoundError
    answer = RedirectResponse("/", 303)
    give(answer, await made.sessions.begin(guest.account, SignedInBy.DEMO))
    return answer
