"""Routes of the recordings of a case's calls: listed, heard for a reason, and played."""

from typing import Annotated, Literal

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from console.web.auth import trail, unmask
from console.web.auth.who import NotFoundError, Signed
from console.web.case.acts import found
from console.web.kit.door import Door
from console.web.kit.errors import error_response, quota_spent
from console.web.kit.filled import new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import services
from console.web.operator_calls.recording import HEARERS, is_playable, listed, wav_parts
from domain.casework.calls.recordings import recording_of
from schemas.administration.audit import RevealReason
from schemas.casework.call_recordings import CallRecording
from schemas.casework.cases import Case

door = Door("/cases")
SOUND = {"Content-Disposition": 'inline; filename="call.wav"', "Cache-Control": "no-store"}


@door.page("/{case_id}/recordings", HEARERS, name="case-recordings")
async def shown(request: Request, who: Signed, case_id: str) -> Response:
    """Return the page of a case's recordings, with a player for each that the person may hear now.

    Raises NotFoundError if the person's area does not have the case. Errors of Kafka (such as TimeoutError and
    SendError) and Redis pass through.
    """
    made = services(request)
    case = await found(made, who, case_id)
    await trail.record_look(made, who, "case", case.id)
    rows = await listed(made, case)
    hears = {each.recording.id for each in rows if await unmask.may_hear(made, who, each.recording.id)}
    return page(request, "case_recordings.html", case=case, rows=rows, hears=hears, form=new_form)


@door.act("/{case_id}/recordings/{recording_id}", HEARERS, name="case-recording-hear")
async def hear(
    request: Request,
    who: Signed,
    case_id: str,
    recording_id: str,
    why: Annotated[Literal[""] | RevealReason, Form()] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Let the person hear a recording for the settings' `unmask_minutes`, for a reason, and redirect to the page. It is
    recorded in the audit, and counts as a revealing.

    422 without a category of reason or if the text is meaningless; 429 above the quota. Raises NotFoundError if the
    person's area does not have the case, or the case does not have the recording or no longer keeps it. Errors of Kafka
    (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    case = await found(made, who, case_id)
    recording = recording_of(case, recording_id)
    if recording is None or not await is_playable(made, recording):
        raise NotFoundError
    if not why:
        return error_response(request, 422, translate(request, "请选择查看理由的类别。"), "reason missing")
    try:
        await unmask.record_hearing(made, who, case, unmask.Wish(why, reason), recording.id)
    except ValueError:
        words = translate(request, "请写明查看理由（至少四个字，不能只是重复的字）。")
        return error_response(request, 422, words, "reason missing")
    except unmask.QuotaError as error:
        return await quota_spent(request, who, error.until)
    await made.security.revealed(request, who.login, case.id)
    return RedirectResponse(_place(case), 303)


@door.page("/{case_id}/recordings/{recording_id}/sound", HEARERS, name="case-recording-sound")
async def sound(request: Request, who: Signed, case_id: str, recording_id: str) -> Response:
    """Return the sound (WAV) of a recording, for the page's player.

    Redirects to the page if the person may not hear it now. Raises NotFoundError if the person's area does not have the
    case, or the case does not have the recording or no longer keeps it. Errors of Kafka and Redis pass through.
    """
    made = services(request)
    case = await found(made, who, case_id)
    recording: CallRecording | None = recording_of(case, recording_id)
    if recording is None or not await is_playable(made, recording):
        raise NotFoundError
    if not await unmask.may_hear(made, who, recording.id):
        return RedirectResponse(_place(case), 303)
    return StreamingResponse(wav_parts(made, case, recording), media_type="audio/wav", headers=SOUND)


def _place(case: Case) -> str:
    return f"/cases/{case.id}/recordings"
