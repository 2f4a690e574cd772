"""The data sent to an officer's telephone: open tasks, with only what is needed on the way and at the door."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.case.money_tree import case_money_tree
from console.web.kit.i18n import place
from console.web.kit.pages import epoch, hour_minute
from console.web.kit.services import Services
from console.web.tasks.searches import Say, SearchTask, record_search_look, search_json, searches_of
from domain.calendar import local_date
from domain.casework.trail.rests import rest_parts
from domain.casework.trail.tree import MoneyTree
from domain.identity import masking
from domain.identity.divisions import name_of
from domain.identity.identifiers import reach, stated_age, stated_sex
from domain.ids import resident_of, short_hash
from domain.payments.headline import moving_fen, secured_fen
from domain.payments.status import status_of
from domain.visits import check_in
from domain.visits.arrival import late_arrival
from domain.visits.officers import ELIGIBLE, off_at, on_duty
from domain.visits.rounds import Post
from domain.visits.tasks import Errand, given_instead, leave_by, left_at, sort_out
from domain.visits.travel import kilometres_apart
from domain.wording import labels, money_labels, people_labels
from schemas.base import Partial
from schemas.casework.cases import Case, Payment
from schemas.casework.inputs import VisitStage
from schemas.codes.any_code import AnyCode
from schemas.levels import Outcome
from schemas.people.residents import Flag, Resident
from schemas.people.rosters import Officer, Task, TaskState
from schemas.risk.signals import TransferState
from streams.messaging.topics import home
from streams.repositories.residents.guardians import guardians_of
from streams.state.keys import TASK_LOOK

_BESIDE_FIGURE = re.compile(r"(?<=\d) | (?=\d)")  # a line does not break between a figure and its unit

Sentence = Callable[[AnyCode], str]
"""Returns a code's sentence in the request's language, its moments with the day: a telephone keeps it past midnight."""


@dataclass(frozen=True, slots=True)
class Mine:
    """An officer's work. `errands`: open visits; `gone`: visits no longer needed; `people`: residents by id.

    `me`: the officer's roster entry, None without one; `colleagues`: other officers of the roster who are on duty;
    `joined`: by the dispatch id of a visit, the residents at the same address whose visits are part of it.
    """

    me: Officer | None
    colleagues: list[Officer]
    errands: list[Errand]
    gone: list[Task]
    joined: dict[str, list[Resident]]
    people: dict[str, Resident]
    post: str = ""  # the division that the officer works from
    numbers: dict[str, str] = field(default_factory=dict)  # of the cases of all visits, by case id
    searches: list[SearchTask] = field(default_factory=list)  # that the officer takes part in
    far: Mapping[str, int] = field(default_factory=dict)  # by dispatch id of a visit not accepted: minutes too late
    guardians: dict[str, Resident] = field(default_factory=dict)  # of `people`, by the id of the person's entry
    trees: dict[str, MoneyTree] = field(default_factory=dict)  # of the money of cases of `errands`, by case id

    def dialled(self, resident: str, at: datetime) -> str:
        """Return the telephone number by which to reach the resident with this id at `at`: a minor's guardian's, else
        their own before a shared one. "" if none is known, or the resident is not in `people`.
        """
        person = self.people.get(resident)
        return phone_of(person, self.guardians.get(person.id) if person else None, at)


async def find(services: Services, who: Who) -> Mine:
    """Return the officer's work from the store; empty if the account is not linked to an officer. Raises
    UnknownPolicyError if the policy in force is stored nowhere, and PolicyError if it is invalid. Errors of Kafka and
    Redis pass through.
    """
    if who.officer is None:
        return Mine(None, [], [], [], {}, {})
    now, rosters = services.line.clock.now(), services.line.outgoing.rosters
    roster = await rosters.roster_of(who.officer)
    tasks = [task for task in (await rosters.tasks(now)).values() if task.officer == who.officer]
    me = next((each for each in roster.officers if each.id == who.officer), None) if roster else None
    post = Post(me.division if me else who.area, off_at(me, now) if me else None)
    policy = await services.line.policies.live()
    cases = await asyncio.gather(*(case_of(services, task) for task in tasks))
    errands, gone = sort_out(list(zip(tasks, cases, strict=True)), post, now, policy)
    joining = [task for task in tasks if task.joins is not None and task.state is TaskState.OPEN]
    shown = {errand.task.dispatch for errand in errands}
    joining = [task for task in joining if task.joins in shown]
    wanted = [errand.task.resident for errand in errands] + [task.resident for task in joining]
    numbers = {case.id: services.hub.numbers.of(case) for case in cases if case is not None}
    people = await services.line.residents.standing(wanted) if wanted else {}
    return Mine(
        me,
        [each for each in (roster.officers if roster else []) if each.id != who.officer and on_duty(each, now)],
        errands,
        gone,
        _by_lead(joining, people),
        people,
        post.division,
        numbers,
        await searches_of(services, who.officer, now),
        {
            errand.task.dispatch: late.minutes
            for errand in errands
            if errand.task.accepted_at is None
            and (late := late_arrival(errand.task, errand.case, post.division, now, policy))
        },
        await guardians_of(services.line.residents, people.values()),
        await _trees(services, errands, people),
    )


async def _trees(services: Services, errands: Iterable[Errand], people: Mapping[str, Resident]) -> dict[str, MoneyTree]:
    """Return by case id where the case's money went, for the cases of which a bank has reported an account movement."""
    cases = {errand.case.id: errand.case for errand in errands if errand.case.movements}
    found = [await case_money_tree(services, case, people.get(case.resident)) for case in cases.values()]
    return {name: tree for name, tree in zip(cases, found, strict=True) if tree is not None}


async def case_of(services: Services, task: Task) -> Case | None:
    """Return the task's case, or None if the store does not have it. Errors of Redis pass through."""
    return await services.line.store.case(home(resident_of(task.case), services.line.settings.partitions), task.case)


async def record_look(services: Services, who: Who, mine: Mine) -> None:
    """Write an audit entry that the officer sees a resident's data, once per session and task.

    Searches that go on count too; what was recorded is noted in Redis. Raises TimeoutError if Kafka does not answer in
    time, and SendError if it refuses a record for good. Errors of Redis pass through.
    """
    await record_search_look(services, who, [each for each in mine.searches if each.search.goes_on])
    redis, kept = services.line.redis, timedelta(hours=services.settings.session_hours)
    for errand in mine.errands:
        name = f"{TASK_LOOK}{who.session}:{errand.task.dispatch}"
        if not await redis.exists(name):
            await trail.record_look(services, who, "task", errand.case.id)
            await redis.set(name, 1, ex=round(kept.total_seconds()))


def work_json(services: Services, who: Who, mine: Mine, say: Say, sentence: Sentence, csrf: str) -> dict[str, Any]:
    """Return the data for the telephone as a dictionary that can be written as JSON: times in ms since 1970, amounts in
    fen, words in the officer's language. Its `version` changes with its content, but not with `now` or `csrf`.
    """
    now = services.line.clock.now()
    number = services.hub.numbers.of
    tasks = [
        _task(errand, mine, say, now, number(errand.case)) | {"why": _why(errand, sentence)} for errand in mine.errands
    ]
    body: dict[str, Any] = {
        "login": who.login,
        "known": mine.me is not None,
        "division": mine.me.division if mine.me else "",
        "until": epoch(off_at(mine.me, now) if mine.me else None),
        "colleagues": [_colleague(each) for each in mine.colleagues],
        "tasks": tasks,
        "searches": [search_json(services, who.officer or "", each, say, now) for each in mine.searches],
        "gone": [_gone(task, mine, say) for task in mine.gone],
        "check_in_ms": round(check_in.WITHIN.total_seconds() * 1000),
        "forget_ms": services.settings.session_hours * 3_600_000,
    }
    version = short_hash(repr(sorted(body.items())))
    clock = {"now": epoch(now), "speed": services.line.clock.speed}
    return body | clock | {"version": version, "csrf": csrf}


def _task(errand: Errand, mine: Mine, say: Say, now: datetime, number: str) -> dict[str, Any]:
    task, case = errand.task, errand.case
    resident = mine.people.get(task.resident)
    return {
        "dispatch": task.dispatch,
        "case": case.id,
        "number": number,
        "level": case.level.value,
        "stage": (task.stage or VisitStage.ASSIGNED).value,
        "late": task.state is TaskState.LATE,
        "given": epoch(task.at),
        "due": epoch(errand.due),
        "check_in": epoch(check_in.due(task)),
        "steps": errand.steps,
        "where": say(labels.NEAR[errand.steps]),
        "division": case.profile.division,
        "place": place(name_of(case.profile.division, local_date(now)), say),
        "from": place(name_of(mine.post, local_date(now)), say) if len(mine.post) >= 6 else "",
        "way": _way(errand, mine, say, now),
        "too_far": mine.far.get(task.dispatch, 0),
        "drive": round(errand.drive_time.total_seconds() * 1000),
        "leave_by": epoch(leave_by(errand)),
        "left": epoch(left_at(task)),
        "danger": [say(text) for text in _dangers(errand)],
        "first": [say(text) for text in _first_acts(case)],
        "who": _who(resident, case, mine.dialled(task.resident, now), say, now),
        "also": [{"name": other.name} for other in mine.joined.get(task.dispatch, [])],
        "payments": [_payment(case, payment, mine.trees.get(case.id), say) for payment in case.payments],
        "paid_fen": sum(payment.amount_fen for payment in case.payments),
        "secured_fen": secured_fen(case),
    }


def _way(errand: Errand, mine: Mine, say: Say, now: datetime) -> str:
    """Return in words the travel time from the officer's division to the visit, and between counties the distance."""
    told = [say("车程约 %(n)s 分钟") % {"n": round(errand.drive_time / timedelta(minutes=1))}]
    if (apart := kilometres_apart(mine.post, errand.case.profile.division, local_date(now))) is not None:
        told.append(say("直线约 %(n)s 公里") % {"n": round(apart)})
    return "\u00a0· ".join(_BESIDE_FIGURE.sub("\u00a0", each) for each in told)


def _why(errand: Errand, sentence: Sentence) -> list[str]:
    return [sentence(reason) for reason in errand.case.danger.reasons]


def _who(resident: Resident | None, case: Case, phone: str, say: Say, now: datetime) -> dict[str, Any]:
    """Return the resident's name and address (needed for the visit), masked telephone, age, sex, language and flags.
    Name and address are "" if the resident was erased, the age None and the sex "" if nobody has asked.
    `phone`: the telephone that is dialled, "" without one.
    """
    profile = case.profile
    return {
        "name": resident.name if resident else "",
        "address": resident.address if resident else "",
        "phone": masking.phone(phone),
        "age": stated_age(profile, now),
        "sex": say(people_labels.SEXES[sex]) if (sex := stated_sex(profile)) else "",
        "language": say(people_labels.SPOKEN[profile.language]),
        "flags": [say(words) for flag, words in people_labels.FLAGS.items() if flag in profile.flags],
        "minor": profile.minor,
    }


def phone_of(resident: Resident | None, guardian: Resident | None, at: datetime) -> str:
    """Return the telephone number by which to reach the resident at `at`, the same as for automated calls: a minor's
    guardian's, else their own before a shared one (domain/identity/identifiers.reach). "" if none is known or
    `resident` is None. `guardian`: the guardian's entry, None without one.
    """
    return (reach(resident, guardian, at).phone if resident else None) or ""


_TOLD_BEFORE = Partial(
    {
        Outcome.DISSUADED: "坐席已登记劝阻：请当面核实",
        Outcome.FALSE_ALARM: "坐席已登记误报：请当面核实",
        Outcome.NOT_PERSUADED: "上次劝阻未被接受",
        Outcome.ALREADY_DEFRAUDED: "当事人已被骗：注意情绪",
    }
)


def _dangers(errand: Errand) -> Iterable[str]:
    """Yield the Chinese warnings for the way and the door."""
    case = errand.case
    if not errand.fits:
        yield "下班前来不及完成：请转交"
    if case.danger.call_since is not None:
        yield "可疑通话仍在进行：骗子可能正在指挥"
    if moving_fen(case) and any(payment.state is TransferState.PENDING for payment in case.payments):
        yield "资金正在转出：先保护账户"
    if case.outcome and (told := _TOLD_BEFORE.get(case.outcome)):
        yield told
    if case.profile.minor:
        yield "未成年人：请监护人在场"
    if Flag.HARD_OF_HEARING in case.profile.flags:
        yield "听力不便：可请手语翻译"


def _first_acts(case: Case) -> Iterable[str]:
    """Yield in Chinese what the officer does first at the door."""
    yield "出示证件；当事人可当面拨打 96110 核实"
    if case.danger.call_since is not None:
        yield "请当事人先挂断可疑通话，停止屏幕共享"
    if moving_fen(case):
        yield "请当事人停止转账，由本人联系付款银行撤回"


def _payment(case: Case, payment: Payment, tree: MoneyTree | None, say: Say) -> dict[str, Any]:
    """Return the data of a payment. Its `parts`, each an amount with what became of it, add up to its amount. `tree`:
    of the case's money, None if no bank has stated a movement.
    """
    status = status_of(case, payment)
    own = next((each for each in tree.payments if each.transfer == payment.transfer), None) if tree else None
    rest = rest_parts(case, payment, own)
    parts = [
        (payment.amount_fen - sum(part.amount_fen for part in rest), money_labels.PAYMENTS[status.status]),
        *((part.amount_fen, money_labels.RESTS[part.kind]) for part in rest),
    ]
    return {
        "transfer": payment.transfer,
        "amount_fen": payment.amount_fen,
        "at": epoch(payment.at),
        "state": say(money_labels.PAYMENTS[status.status]),
        "parts": [{"amount_fen": amount, "state": say(words)} for amount, words in parts if amount],
    }


def _gone(task: Task, mine: Mine, say: Say) -> dict[str, Any]:
    """Return the data of a visit that is no longer needed, with the reason, without personal data.

    If the officer has another visit to the same case, the reason says which of the two is to be made.
    """
    late = "已改派更近的人员，不必再去" if task.to else "超时后已另派他人，不必再去"
    why = late if task.state is TaskState.LATE else "预警已了结，不必再去"
    words = say(why)
    if instead := given_instead(task, mine.errands):
        words = say("已作废；以 %(at)s 派给您的任务为准") % {"at": hour_minute(instead.at)}
    told = {"dispatch": task.dispatch, "case": task.case, "number": mine.numbers.get(task.case, task.case)}
    return told | {"given": epoch(task.at), "why": words}


def _colleague(officer: Officer) -> dict[str, Any]:
    levels = [level.value for level, roles in ELIGIBLE.items() if officer.role in roles]
    return {"id": officer.id, "name": officer.name, "levels": levels}


def _by_lead(joining: Iterable[Task], people: dict[str, Resident]) -> dict[str, list[Resident]]:
    found: dict[str, list[Resident]] = {}
    for task in joining:
        if task.joins is not None and task.resident in people:
            found.setdefault(task.joins, []).append(people[task.resident])
    return found
