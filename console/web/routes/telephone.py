"""Calls that are placed from the case page, where there is a telephone to place them with."""

from fastapi import Request
from starlette.responses import JSONResponse, Response

from console.web import trail
from console.web.case.acts import ActBody, act, found
from console.web.door import DESK, Door
from console.web.filled import new_form
from console.web.pages import yuan
from console.web.services import services
from console.web.who import NotFoundError, Signed
from schemas.inputs import NoteAct

door = Door("/cases")


@door.act("/{case_id}/call", DESK, name="case-call")
async def call(request: Request, who: Signed, case_id: str) -> Response:
    """Call the resident, and tell what was heard. A talk is noted on the case as it begins: the plan keeps quiet."""
    made = services(request)
    case = await found(made, who, case_id)
    if made.telephone is None:
        raise NotFoundError
    await trail.look(made, who, "call", case.id)

    async def answered() -> None:
        talks = NoteAct(do="note", what="conversation")
        await act(made, who, case.id, ActBody(form=new_form(), seen=case.version, act=talks))

    heard = await made.telephone.call(case.id, answered)
    kept = [{"transfer": claim.transfer, "amount": yuan(claim.amount_fen)} for claim in heard.kept]
    return JSONResponse({"reached": heard.reached, "words": heard.words, "kept": kept, "lost": yuan(heard.lost_fen)})
