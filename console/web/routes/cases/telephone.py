"""Route for placing a call from the case page, where a telephone is connected."""

from functools import partial

from fastapi import Request
from starlette.responses import JSONResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.case.acts import ActBody, act, found
from console.web.kit.door import DESK, Door
from console.web.kit.errors import error_response
from console.web.kit.filled import new_form
from console.web.kit.i18n import translate
from console.web.kit.services import services
from console.web.live import claims
from domain.casework.grounds import ENDED
from domain.wording.codes import yuan
from schemas.casework.cases import Case
from schemas.casework.inputs import NoteAct
from streams.channels.telephone import Telephone

door = Door("/cases")


@door.act("/{case_id}/call", DESK, name="case-call")
async def call(request: Request, who: Signed, case_id: str) -> Response:
    """Call the resident and return the result as JSON. The case records that the talk began and ended, or failed.

    JSON: `result`, `words`, and the sums `kept` (by transfer) and `lost`, as texts in yuan. An unclaimed case is
    claimed first, so that it is not offered to others during the call. 409 without a call if another person claims the
    case at the same moment, or if the desk is already calling the resident. Raises NotFoundError if no telephone is
    connected or the person's area does not have the case.
    """
    made = services(request)
    case = await found(made, who, case_id)
    if made.telephone is None:
        raise NotFoundError
    async with made.desk.calling(case.id) as free:
        if not free or (case.desk_call and case.desk_call.goes_on):
            return error_response(request, 409, translate(request, "已在呼叫或通话，不重复拨打。"), "calling")
        return await _call(request, made.telephone, who, case)


async def _call(request: Request, telephone: Telephone, who: Who, case: Case) -> Response:
    made = services(request)
    if case.claimed_by is None and not case.settled and not await claims.claim(made, who, case):
        return error_response(request, 409, translate(request, "该预警已有他人接手，或已办结。"), "claimed")
    await trail.record_look(made, who, "call", case.id)

    async def note(what: str) -> None:
        said = NoteAct.model_validate({"what": what})
        await act(made, who, case.id, ActBody(form=new_form(), seen=case.version, act=said))

    heard = await telephone.call(case.id, partial(note, "conversation"))
    await note(ENDED if heard.reached else heard.result.value)
    kept = [{"transfer": claim.transfer, "amount": yuan(claim.amount_fen)} for claim in heard.kept]
    told = {"result": heard.result.value, "words": heard.words, "kept": kept, "lost": yuan(heard.lost_fen)}
    return JSONResponse(told)
