"""Calls that are placed from the case page, where there is a telephone to place them with."""

from fastapi import Request
from starlette.responses import JSONResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed
from console.web.auth.words import N_
from console.web.case.acts import ActBody, act, found
from console.web.kit.door import DESK, Door
from console.web.kit.filled import new_form
from console.web.kit.i18n import translate
from console.web.kit.services import services
from console.web.live import claims
from domain.wording.codes import yuan
from schemas.casework.inputs import NoteAct

door = Door("/cases")
UNHEARD = (N_("（占线）"), N_("（无人接听）"))  # a telephone's words for a call that nobody takes


@door.act("/{case_id}/call", DESK, name="case-call")
async def call(request: Request, who: Signed, case_id: str) -> Response:
    """Call the resident, and tell what was heard. A talk is noted on the case as it begins: the plan keeps quiet.

    Who calls takes the case if nobody has it: it is offered to nobody else meanwhile, and what the resident says comes
    to a page that need not be loaded anew to take it.
    """
    made = services(request)
    case = await found(made, who, case_id)
    if made.telephone is None:
        raise NotFoundError
    await trail.look(made, who, "call", case.id)
    if case.claimed_by is None and not case.settled:
        await claims.claim(made, who, case)

    async def answered() -> None:
        talks = NoteAct(do="note", what="conversation")
        await act(made, who, case.id, ActBody(form=new_form(), seen=case.version, act=talks))

    heard = await made.telephone.call(case.id, answered)
    kept = [{"transfer": claim.transfer, "amount": yuan(claim.amount_fen)} for claim in heard.kept]
    words = heard.words if heard.reached else translate(request, heard.words)  # what he said stays as he said it
    return JSONResponse({"reached": heard.reached, "words": words, "kept": kept, "lost": yuan(heard.lost_fen)})
