"""Shared parts of the roster pages: stations of the reader's area, writing a change, errors in words."""

from collections.abc import Callable, Mapping
from datetime import datetime

from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import FormData

from console.web.auth import trail
from console.web.auth.who import NotFoundError, OtherAreaError, Who
from console.web.kit.filled import form_value, new_form
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
"""Returns the roster after a form's change at a time. Raises RosterError if the change is invalid."""

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
TOO_LARGE = "名册太大：请分成两个站点，或少排几周。"


class RefusedError(Exception):
    """A change was refused. `words`: the reason in Chinese, to be translated; `status`: the HTTP status."""

    def __init__(self, words: str, status: int = 422) -> None:
        super().__init__(words)
        self.words, self.status = words, status


def stations(made: Services) -> Stations:
    """Return the repository of the stations' rosters."""
    return Stations(made.line.redis, made.line.outgoing.rosters)


def in_area(who: Who, roster: Roster) -> bool:
    """Return True if a person may change a station's roster, because all its officers work in the person's area.

    A station without officers belongs to the whole province.
    """
    return not who.area or (bool(roster.officers) and all(who.sees(each.division) for each in roster.officers))


async def seen(made: Services, who: Who) -> dict[str, Roster]:
    """Return the rosters by station, for the stations in a person's area. Errors of Redis pass through."""
    return {name: roster for name, roster in (await stations(made).all()).items() if in_area(who, roster)}


async def found(made: Services, who: Who, station: str) -> Stored:
    """Return a station's stored roster. Raises NotFoundError if no such station has a roster, and its subclass
    OtherAreaError if the station is not in the person's area. Errors of Redis pass through.
    """
    stored = await stations(made).get(station)
    if stored is None:
        raise NotFoundError
    if not in_area(who, stored.roster):
        raise OtherAreaError
    return stored


async def write(
    request: Request, who: Who, stored: Stored, form: FormData, act: str, make: Make, about: str = ""
) -> Roster:
    """Apply a form's change to a roster, write it with its audit entry, and return the new roster.

    `about`: ids of the people or things changed, for the audit. A repeated form changes nothing. Raises RefusedError if
    the roster changed meanwhile (409), if the change is invalid or the roster too large (422), or if Kafka or Redis is
    slow (503). Errors of Redis pass through.
    """
    made, name = services(request), form_id(who, form)
    before = stored.roster
    if before.changed and before.changed.form == name:
        return before
    if form_value(form, "seen") != stored.mark:
        raise RefusedError(CHANGED, 409)
    now = made.line.clock.now()
    try:
        after = rostering.pruned(make(before, now), now)
    except RosterError as error:
        raise RefusedError(WORDS[error.wrong]) from error
    except ValidationError:  # a field that our own page would not send
        raise RefusedError(WORDS[Wrong.GONE]) from None
    await unique(made, before, after)
    stamped = after.model_copy(update={"changed": RosterChange(at=now, by=who.login, form=name)})
    await put(made, who, stamped, stored.mark, act, about)
    return stamped


async def unique(made: Services, before: Roster | None, after: Roster) -> None:
    """Raise RefusedError (422) if an officer who is new on the roster `after` is on another station's stored roster.
    Errors of Redis pass through.
    """
    if _new(before, after):
        only_here(before, after, await stations(made).all())


def only_here(before: Roster | None, after: Roster, rosters: Mapping[str, Roster]) -> None:
    """Raise RefusedError (422) if an officer who is new on the roster `after` is on another one of `rosters` (by
    station).
    """
    new = _new(before, after)
    for station, roster in rosters.items():
        if station != after.station and any(each.id in new for each in roster.officers):
            raise RefusedError("这个编号已在另一个站点的名册上。")


def within_limits(roster: Roster) -> None:
    """Raise RefusedError (422) if the roster exceeds the size limits of a station (see the model Roster)."""
    try:
        Roster.model_validate(roster.model_dump())  # built by model_copy, so not validated as a whole yet
    except ValidationError:
        raise RefusedError(TOO_LARGE) from None


def _new(before: Roster | None, after: Roster) -> set[str]:
    """Return the ids of the officers who are on the roster `after` but not on `before`."""
    return {each.id for each in after.officers} - {each.id for each in (before.officers if before else ())}


async def put(made: Services, who: Who, roster: Roster, mark: str, act: str, about: str = "") -> None:
    """Replace the stored roster that has this mark ("": no roster is stored yet), and write the audit entry.

    Raises RefusedError if the roster changed (409), is too large (422), or if Kafka or Redis is slow (503). Errors of
    Redis pass through.
    """
    try:
        await stations(made).replace(
            roster, mark or NOTHING, lambda: trail.write(made, who, act, roster.station, detail=about)
        )
    except ChangedError:
        raise RefusedError(CHANGED, 409) from None
    except (ValidationError, SendError):
        raise RefusedError(TOO_LARGE) from None
    except TimeoutError:
        raise RefusedError("服务器繁忙，可能没有保存：请再试一次。", 503) from None


async def duty(made: Services) -> Duty | None:
    """Return the duty rules of the policy in force; None if it has none or its text is not stored. Raises PolicyError
    if the policy cannot be read by this version, and OSError if the settings' file must be read and cannot. Errors of
    Kafka and Redis pass through.
    """
    try:
        standing = await rules.standing(made.line)
        return (await made.line.policies.get(standing.policy)).duty
    except UnknownPolicyError:
        return None


def typed_shift(form: FormData, start: str = "start", end: str = "end") -> Shift:
    """Return the shift typed into two fields, in China's time. Raises RefusedError (422) if a time or the span is
    invalid.
    """
    try:
        return rostering.shift(typed(form, start), typed(form, end))
    except RosterError as error:
        raise RefusedError(WORDS[error.wrong]) from error
    except ValidationError:
        raise RefusedError(TIME) from None


def typed(form: FormData, name: str) -> datetime:
    """Return the time typed into a field, such as 2026-03-02 08:00, in China's time zone. Raises RefusedError (422) if
    it is invalid.
    """
    at = moment(form_value(form, name).strip(), ZONE)
    if at is None:
        raise RefusedError(TIME)
    return at


def shift_from_form(form: FormData) -> Shift:
    """Return the shift in the form's field `shift`. Raises RefusedError (422) if it is invalid."""
    return shift_named(form_value(form, "shift"))


def shift_named(name: str) -> Shift:
    """Return the shift written as "start/end" in ISO 8601. Raises RefusedError (422) if the text is invalid."""
    start, _, end = name.partition("/")
    try:
        return Shift(start=datetime.fromisoformat(start), end=datetime.fromisoformat(end))
    except ValueError:  # ValidationError is one too
        raise RefusedError(WORDS[Wrong.GONE]) from None


def name_of(shift: Shift) -> str:
    """Return a shift as the text "start/end" that `shift_named` parses."""
    return f"{shift.start.isoformat()}/{shift.end.isoformat()}"


def form_id(who: Who, form: FormData) -> str:
    """Return an id made from a form's own id, so that a repeated form has the same id. A form without an id gets a new
    one.
    """
    return short_hash("form", who.login, form_value(form, "form") or new_form())


def words(request: Request, error: RefusedError) -> str:
    """Return the error's reason translated into the request's language."""
    return translate(request, error.words)
