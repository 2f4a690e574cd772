"""What the rosters' pages share: whose stations they are, a change written once, and refusals in words."""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime

from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import FormData

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Who
from console.web.kit.i18n import translate
from console.web.kit.pages import ZONE
from console.web.kit.services import Services, services
from domain.ids import short_hash
from domain.policy.duty import Duty
from domain.visits import rostering
from domain.visits.roster_file import moment
from domain.visits.rostering import RosterError, Wrong
from schemas.people.rosters import Roster, RosterChange, Shift
from streams.messaging.producer import SendError
from streams.operations import rules
from streams.repositories.policies import UnknownPolicyError
from streams.repositories.stations import NOTHING, ChangedError, Stations, Stored

Make = Callable[[Roster, datetime], Roster]
"""What a form makes of a roster, at a moment. Raises RosterError."""

WORDS: Mapping[Wrong, str] = {
    Wrong.NOT_FORWARD: "结束时间须晚于开始时间。",
    Wrong.TOO_LONG: "一个班次不能超过 24 小时。",
    Wrong.OVERLAP: "与此人的另一班次重叠。",
    Wrong.SHORT_REST: "与前后班次的间隔不足 11 小时；确需如此，请勾选“间隔不足也排班”。",
    Wrong.ABSENT: "此人在这段时间缺勤。",
    Wrong.NOBODY: "名册上没有此人。",
    Wrong.GONE: "已经不在了：可能刚被他人处理。",
    Wrong.OVER: "已经开始或已经过去，不能再改。",
    Wrong.TWICE: "已经申请过了。",
    Wrong.FULL: "此人的班次已达上限。",
}
CHANGED = "名册刚被他人修改：请看过现状后再提交，您填写的内容还在。"
TIME = "时间写成 2026-03-02 08:00。"


class RefusedError(Exception):
    """A change that was not made; `words` say why, in Chinese as in a template."""

    def __init__(self, words: str, status: int = 422) -> None:
        super().__init__(words)
        self.words, self.status = words, status


def stations(made: Services) -> Stations:
    return Stations(made.line.redis, made.line.outgoing.rosters)


def in_area(who: Who, roster: Roster) -> bool:
    """Whether a station is the person's to change: all its people work in his area. An empty one is the province's."""
    return not who.area or (bool(roster.officers) and all(who.sees(each.division) for each in roster.officers))


async def seen(made: Services, who: Who) -> dict[str, Roster]:
    """The stations in a person's area, by name."""
    return {name: roster for name, roster in (await stations(made).all()).items() if in_area(who, roster)}


async def found(made: Services, who: Who, station: str) -> Stored:
    """A station's roster. Raises NotFoundError when there is none, or it lies in another's area."""
    stored = await stations(made).get(station)
    if stored is None or not in_area(who, stored.roster):
        raise NotFoundError
    return stored


async def write(
    request: Request, who: Who, stored: Stored, form: FormData, act: str, make: Make, about: str = ""
) -> Roster:
    """Make the change that a form asks for, with its line of the audit. Raises RefusedError, with the status to answer.

    `about`: who or what of the roster it is, by ids. The same form sent again is done already.
    """
    made, name = services(request), form_id(who, form)
    before = stored.roster
    if before.changed and before.changed.form == name:
        return before
    if said(form, "seen") != stored.mark:
        raise RefusedError(CHANGED, 409)
    now = made.line.clock.now()
    try:
        after = rostering.pruned(make(before, now), now)
    except RosterError as error:
        raise RefusedError(WORDS[error.wrong]) from error
    except ValidationError:  # a field that our own page would not have sent
        raise RefusedError(WORDS[Wrong.GONE]) from None
    await unique(made, before, after)
    stamped = after.model_copy(update={"changed": RosterChange(at=now, by=who.login, form=name)})
    await put(made, who, stamped, stored.mark, act, about)
    return stamped


async def unique(made: Services, before: Roster | None, after: Roster) -> None:
    """Raises RefusedError when somebody new on the roster is on another station's already."""
    new = {each.id for each in after.officers} - {each.id for each in (before.officers if before else ())}
    if not new:
        return
    for station, roster in (await stations(made).all()).items():
        if station != after.station and any(each.id in new for each in roster.officers):
            raise RefusedError("这个编号已在另一个站点的名册上。")


async def put(made: Services, who: Who, roster: Roster, mark: str, act: str, about: str = "") -> None:
    """Replace a roster that has this mark (none: it is new). Raises RefusedError."""
    try:
        await stations(made).replace(
            roster, mark or NOTHING, lambda: trail.write(made, who, act, roster.station, detail=about)
        )
    except ChangedError:
        raise RefusedError(CHANGED, 409) from None
    except (ValidationError, SendError):
        raise RefusedError("名册太大：请分成两个站点，或少排几周。") from None
    except TimeoutError:
        raise RefusedError("服务器繁忙，可能没有保存：请再试一次。", 503) from None


async def duty(made: Services) -> Duty | None:
    """What the policy in force asks of a station; none when it says nothing of it."""
    try:
        standing = await rules.standing(made.line)
        return (await made.line.policies.get(standing.policy)).duty
    except UnknownPolicyError:
        return None


def typed_shift(form: FormData, start: str = "start", end: str = "end") -> Shift:
    """The shift that was typed, in China's time. Raises RefusedError."""
    try:
        return rostering.shift(typed(form, start), typed(form, end))
    except RosterError as error:
        raise RefusedError(WORDS[error.wrong]) from error
    except ValidationError:
        raise RefusedError(TIME) from None


def typed(form: FormData, name: str) -> datetime:
    """A time that was typed, in China's time. Raises RefusedError."""
    at = moment(said(form, name).strip(), ZONE)
    if at is None:
        raise RefusedError(TIME)
    return at


def told_shift(form: FormData) -> Shift:
    """The shift that a page's form is about. Raises RefusedError when it is none."""
    return shift_named(said(form, "shift"))


def shift_named(name: str) -> Shift:
    """A shift as start/end, in ISO 8601. Raises RefusedError when it is none."""
    start, _, end = name.partition("/")
    try:
        return Shift(start=datetime.fromisoformat(start), end=datetime.fromisoformat(end))
    except ValueError:  # pydantic's too
        raise RefusedError(WORDS[Wrong.GONE]) from None


def name_of(shift: Shift) -> str:
    """As `shift_named` reads it."""
    return f"{shift.start.isoformat()}/{shift.end.isoformat()}"


def form_id(who: Who, form: FormData) -> str:
    """By which a form is known when it is sent again; one that has no id is always new."""
    return short_hash("form", who.login, said(form, "form") or secrets.token_hex(10))


def words(request: Request, error: RefusedError) -> str:
    return translate(request, error.words)


def said(form: FormData, name: str) -> str:
    given = form.get(name)
    return given if isinstance(given, str) else ""
