"""Calls that are placed from the case page, where there is a telephone to place them with."""

from fastapi import Request
from starlette.responses import JSONResponse, Response

from console.web import trail
from console.web.case.acts import found
from console.web.door import DESK, Door
from console.web.pages import yuan
from console.web.services import services
from console.web.who import NotFoundError, Signed

door = Door("/cases")


@door.act("/{case_id}/call", DESK, name="case-call")
async def call(request: Request, who: Signed, case_id: str) -> Response:
    """Call the resident, and tell what was heard."""
    made = services(request)
    case = await found(made, who, case_id)
    if made.telephone is None:
        raise NotFoundError
    await trail.look(made, who, "call", case.id)
    heard = await made.telephone.call(case.id)
    kept = [{"transfer": claim.transfer, "amount": yuan(claim.amount_fen)} for claim in heard.kept]
    return JSONResponse({"reached": heard.reached, "words": heard.words, "kept": kept, "lost": yuan(heard.lost_fen)})
