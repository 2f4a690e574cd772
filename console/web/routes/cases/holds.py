"""Routes for outreach holds, and for stopping all outgoing contact. Supervisors set and lift holds in their area."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.auth.words import N_
from console.web.case.answers import until
from console.web.kit.door import DESK, SUPERVISORS, Door
from console.web.kit.filled import Filled, done, filled, new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.overview import area as overview
from console.web.overview.campaigns import CampaignName, campaign_names
from console.web.rosters import areas
from domain.calendar import local_date
from domain.casework.holds import stops_all, touched
from domain.desk.hold_presets import PRESETS, HoldPreset, preset_of
from schemas.casework.cases import Case, StepState
from schemas.casework.inputs import Hold
from schemas.errors import UserError
from schemas.levels import Action, Channel, Level
from streams.operations import rules

door = Door()
NAMED = ("channel", "action", "scam_type", "campaign")
EVERYTHING = "everything"  # names the form that stops all outgoing contact
WORD = "全部停止"  # typed as confirmation, in the person's language
CASES_SHOWN = 40  # cases listed for one hold
DURATIONS = {
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "2h": timedelta(hours=2),
    "4h": timedelta(hours=4),
    "12h": timedelta(hours=12),
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
    "7d": timedelta(days=7),
}
PRESET_WORDS = {
    "sms-down": (N_("短信通道故障"), N_("短信通道故障，等待运营商恢复")),
    "robot-down": (N_("智能外呼故障"), N_("智能外呼线路故障，等待修复")),
    "wrong-text": (N_("短信内容有误"), N_("短信模板内容有误，修改后再发")),
    "visits-unsafe": (N_("天气或道路不宜上门"), N_("恶劣天气或道路中断，暂停上门")),
}
"""The name and the reason of each usual hold in Chinese; a reason may be changed."""
_DURATION = {length: name for name, length in DURATIONS.items()}


class _WrongError(ValueError):
    """A form field is invalid. The text says why in the person's language."""


@door.page("/holds", DESK, name="holds")
async def show(request: Request, who: Signed, preset: str = "") -> Response:
    """Return the page with the holds in force that touch the person's area. `preset`: the id of a usual hold to fill in
    the form with. PolicyError passes through if the policy in force is invalid. Errors of Kafka and Redis pass through.
    """
    return await _shown(request, who, preset=preset_of(preset))


@door.act("/holds/look", SUPERVISORS, name="holds-look")
async def look(request: Request, who: Signed) -> Response:
    """Answer with a page of the open steps that a hold would delay, before the hold is set. 422 if a field is invalid.

    Raises NotFoundError for an area outside the person's; 400 (HTTPException) if the form has no id. PolicyError passes
    through if the policy in force is invalid. Errors of Kafka and Redis pass through.
    """
    given = await filled(request)
    try:
        hold = _hold(request, who, given)
    except _WrongError as error:
        return await _shown(request, who, 422, given, str(error))
    return await _looked(request, who, given, hold)


@door.act("/holds", SUPERVISORS, name="hold-set")
async def put(request: Request, who: Signed) -> Response:
    """Set a hold and redirect to the holds. 422 if a field or the confirmation word is wrong. The audit entry comes
    first and says what is intended; if the hold cannot be written, the error page says that the form may be sent again.

    Raises NotFoundError for an area outside the person's; 400 (HTTPException) if the form has no id. PolicyError passes
    through if the policy in force is invalid. Errors of Kafka (such as TimeoutError and SendError) and Redis pass
    through.
    """
    made, given = services(request), await filled(request)
    try:
        hold = _hold(request, who, given)
    except _WrongError as error:
        return await _shown(request, who, 422, given, str(error))
    if given["kind"] == EVERYTHING and given["word"] != translate(request, WORD):
        wrong = translate(request, "请输入确认词，停止才会生效。")
        return await _looked(request, who, given, hold, 422, wrong)
    named = {name: getattr(hold, name) for name in (*NAMED, "area")}
    said = {**named, "for": given["for"], "spare_red": "yes" if hold.spare_red else None}
    detail = ", ".join(f"{field}={value}" for field, value in said.items() if value)
    await trail.write(made, who, "hold-set", hold.id, hold.reason, detail)
    async with trail.in_time():
        await rules.begin_hold(
            made.line, DURATIONS[given["for"]], who.login, hold.reason, hold.spare_red, named, name=hold.id
        )
    await _seen(made, hold.id, there=True)
    return done(request, "/holds", hold=hold.id)


@door.act("/holds/{hold_id}/lift", SUPERVISORS, name="hold-lift")
async def lift(request: Request, who: Signed, hold_id: str) -> Response:
    """End a hold and redirect to the holds; the steps that it held back are released or dropped, as the form says. The
    audit entry comes first; if the hold ended by itself meanwhile, a second entry says that the act failed.

    422 without that choice or for a reason of under two characters, 400 (HTTPException) if the form has no id. Raises
    NotFoundError if the hold is not in force in the person's area. PolicyError passes through if the policy in force is
    invalid. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made, given = services(request), await filled(request)
    await _own(made, who, hold_id)
    if len(given["reason"]) < 2 or given["what"] not in ("release", "drop"):
        wrong = translate(request, "请选择放行或丢弃，并写明理由。")
        return await _shown(request, who, 422, given, wrong)
    what: Literal["release", "drop"] = "drop" if given["what"] == "drop" else "release"
    await trail.write(made, who, f"hold-{what}", hold_id, given["reason"][:500])
    try:
        async with trail.in_time():
            await rules.lift(made.line, hold_id, who.login, given["reason"][:500], what)
    except UserError:  # it ended meanwhile
        await trail.write(made, who, "hold-failed", hold_id, detail=f"hold-{what}")
        raise NotFoundError from None
    await _seen(made, hold_id, there=False)
    return done(request, "/holds")


async def _own(made: Services, who: Who, hold_id: str) -> Hold:
    """Return a hold in force in the person's area. Raises NotFoundError if none has the id, and its
    subclass OtherAreaError if it is of another area.
    """
    hold = next((each for each in await rules.holds_in_force(made.line) if each.id == hold_id), None)
    if hold is None:
        raise NotFoundError
    who.require(hold.area or "")
    return hold


def _hold(request: Request, who: Who, given: Filled) -> Hold:
    """Return the form's hold. Raises _WrongError for an invalid field, and NotFoundError for an area outside the
    person's.
    """
    area = given["area"] or who.area
    who.require(area)
    everything = given["kind"] == EVERYTHING
    named = {} if everything else {name: given[name] for name in NAMED if given[name]}
    if given["for"] not in DURATIONS:
        raise _WrongError(translate(request, "请选择暂停外呼多久。"))
    if not everything and not named:
        raise _WrongError(translate(request, "请至少指明一项。要停止全部外呼，请用“停止全部外呼和止付”的表单。"))
    try:
        return Hold.model_validate(
            {
                "id": f"h{given.name('hold')[:12]}",
                "until": services(request).line.clock.now() + DURATIONS[given["for"]],
                "reason": given["reason"],
                "by": who.login,
                "spare_red": bool(given["spare_red"]),
                "area": area or None,
                **named,
            }
        )
    except ValidationError as error:
        fields = {str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}
        words = "请写明理由，2 至 500 字。" if fields == {"reason"} else "有一项填写有误，请重新选择。"
        raise _WrongError(translate(request, words)) from None


async def _looked(
    request: Request, who: Who, given: Filled, hold: Hold, status: int = 200, wrong: str = ""
) -> Response:
    made = services(request)
    await made.queue.refresh()
    found = [(row.level, count) for row in made.hub.rows.values() if (count := touched(hold, row.case))]
    on = local_date(made.line.clock.now())
    return page(
        request,
        "holds_look.html",
        status,
        hold=hold,
        titles=_titles(made, who, [hold]),
        given=given,
        named=NAMED,
        everything=given["kind"] == EVERYTHING,
        word=translate(request, WORD),
        cases=len(found),
        steps=sum(count for _, count in found),
        reds=sum(level is Level.RED for level, _ in found),
        scams=made.queue.scams,
        place=areas.name(hold.area or "", on),
        wrong=wrong,
    )


async def _shown(
    request: Request,
    who: Who,
    status: int = 200,
    typed: Filled | None = None,
    wrong: str = "",
    preset: HoldPreset | None = None,
) -> Response:
    made, usual = services(request), _of_preset(request, preset) if preset else {}
    await made.queue.refresh()
    holds = await overview.holds(made, who)
    on = local_date(made.line.clock.now())
    return page(
        request,
        "holds.html",
        status,
        holds=[(hold, *_held(made, who, hold), who.sees(hold.area or "")) for hold in holds],
        titles=_titles(made, who, holds),
        stops_all=stops_all,
        most=CASES_SHOWN,
        may_set=who.role in SUPERVISORS,
        forms=new_form,
        typed=typed.fields if typed else usual,
        presets=[(each, _DURATION[each.lasts], made.line.clock.now() + each.lasts) for each in PRESETS],
        preset_words=PRESET_WORDS,
        preset=preset,
        wrong=wrong,
        durations=list(DURATIONS),
        channels=list(Channel),
        actions=list(Action),
        scams=made.queue.scams,
        areas=areas.within(who.area, on),
        places=areas.names({hold.area or "" for hold in holds}, on),
    )


def _titles(made: Services, who: Who, holds: Sequence[Hold]) -> dict[str, CampaignName]:
    return campaign_names(made, who, [hold.campaign for hold in holds if hold.campaign])


def _of_preset(request: Request, preset: HoldPreset) -> dict[str, str]:
    """Return the form's fields that a preset fills in; the reason is in the person's language."""
    return {
        "channel": preset.channel.value if preset.channel else "",
        "action": preset.action.value if preset.action else "",
        "for": _DURATION[preset.lasts],
        "spare_red": "1" if preset.spare_red else "",
        "reason": translate(request, PRESET_WORDS[preset.id][1]),
    }


def _held(made: Services, who: Who, hold: Hold) -> tuple[list[Case], int]:
    """Return the area's cases with steps that the hold keeps back now, the gravest first, and the
    number of such steps.
    """
    mine = [row.case for row in made.hub.rows.values() if who.sees(row.case.profile.division)]
    held = [(case, steps) for case in mine if (steps := touched(hold, case, (StepState.HELD,)))]
    held.sort(key=lambda each: (-each[0].level.rank, each[0].id))
    return [case for case, _ in held], sum(steps for _, steps in held)


async def _seen(made: Services, hold_id: str, *, there: bool) -> None:
    """Wait until the hold is in force (`there` True) or has ended (False); see `answers.until`."""

    async def seen() -> bool:
        return (hold_id in [each.id for each in await rules.holds_in_force(made.line)]) == there

    await until(seen)
