"""Calls that are placed from the case page, where there is a telephone to place them with."""

from functools import partial

from fastapi import Request
from starlette.responses import JSONResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed
from console.web.case.acts import ActBody, act, found
from console.web.kit.door import DESK, Door
from console.web.kit.filled import new_form
from console.web.kit.services import services
from console.web.live import claims
from domain.casework.grounds import ENDED
from domain.wording.codes import yuan
from schemas.casework.inputs import NoteAct

door = Door("/cases")


@door.act("/{case_id}/call", DESK, name="case-call")
async def call(request: Request, who: Signed, case_id: str) -> Response:
    """Call the resident, and tell what was heard. The case is told that the talk begins and ends, or is not taken.

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

    async def note(what: str) -> None:
        said = NoteAct.model_validate({"what": what})
        await act(made, who, case.id, ActBody(form=new_form(), seen=case.version, act=said))

    heard = await made.telephone.call(case.id, partial(note, "conversation"))
    await note(ENDED if heard.reached else heard.result.value)
    kept = [{"transfer": claim.transfer, "amount": yuan(claim.amount_fen)} for claim in heard.kept]
    told = {"result": heard.result.value, "words": heard.words, "kept": kept, "lost": yuan(heard.lost_fen)}
    return JSONResponse(told)
