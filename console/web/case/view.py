"""Gathers the data of the case page: the case, the resident, the evidence, the money and the steps."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.web.auth import unmask
from console.web.auth.who import Who
from console.web.case.kept_back import Waiting
from console.web.case.money_tree import DrawnTree, drawn_tree
from console.web.case.scripts import tree_of, trees
from console.web.case.timeline import TimeLine, drawn
from console.web.kit.door import RELEASES
from console.web.kit.services import Services
from console.web.live.row import Row
from console.web.payments.case_money import Money, money_of
from console.web.payments.later import LaterLeft, later_left
from console.web.tasks.late_visits import LateVisit, late_visits
from console.web.tasks.mine import phone_of
from domain.calendar import local_date
from domain.casework import grounds, shield_of, triage
from domain.desk.desk_calls import CallsTried, call_goes_on, calls_tried
from domain.desk.open_deadline import (
    ComingSteps,
    MainAct,
    OpenDeadline,
    coming_steps,
    goes_no_more,
    main_act,
    own_deadline,
    sooner_deadline,
)
from domain.desk.payment_reasons import ReasonNow, reasons_now
from domain.desk.questions import Question, Tree, Walk, walk
from domain.identity.divisions import name_of
from domain.identity.identifiers import phones_at, stated_age
from domain.payments.headline import Headline, headline_of
from domain.payments.stop_progress import CaseStops, DangerPart, case_stops, danger_parts, partly_asked
from domain.policy import PolicyError
from domain.policy.risk import ShieldRules
from schemas.casework.acts import AskStopAct
from schemas.casework.cases import LIVE_STEPS, Case, Step, StepState
from schemas.levels import GRAVEST_FIRST, Level, Outcome, OutcomeGround
from schemas.people.incidents import Incident
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from streams.repositories.policies import UnknownPolicyError
from streams.repositories.residents.guardians import guardian_of
from streams.screening.store import EvidenceStore

UNDONE = (StepState.SKIPPED, StepState.WITHDRAWN)
MOST_EARLIER = 10
MOST_RELATED = 20
ACTING = frozenset({StaffRole.OPERATOR, StaffRole.SUPERVISOR})


@dataclass(frozen=True, slots=True)
class Person:
    """The resident of the case at `now`. `resident`: None if unknown; `place`: prefecture, county and street in
    Chinese; `age`: in years, None if nobody has asked; `whole`: True if the reader has revealed the resident's data;
    `guardian`: the guardian's entry, None without one.
    """

    resident: Resident | None
    now: datetime
    place: str
    age: int | None
    whole: bool
    left: int  # seconds until it is masked again; 0 if it is masked
    guardian: Resident | None = None

    @property
    def phones(self) -> list[str]:
        """The telephone numbers that the resident holds now, the best one to reach the resident first."""
        return [held.value for held in phones_at(self.resident, self.now)] if self.resident else []

    @property
    def dialled(self) -> str:
        """The number that the key P dials, a minor's guardian's if known; "" if unknown."""
        return phone_of(self.resident, self.guardian, self.now)


@dataclass(frozen=True, slots=True)
class Talk:
    """The position of the conversation in the tree of the script."""

    tree: Tree
    walk: Walk
    chosen: bool  # the case's own script, chosen by a person
    asks: bool  # the next node is a question, not an ending

    @property
    def last(self) -> str | None:
        """The id of the last answered question, whose answer can be withdrawn; None if no question was answered."""
        return self.walk.asked[-1][0].id if self.walk.asked else None


@dataclass(frozen=True, slots=True)
class View:
    """All data of the page except the story, which is loaded after the page."""

    case: Case
    now: datetime
    person: Person
    coming: ComingSteps
    done: list[Step]
    skipped: list[Step]  # and withdrawn ones: steps that were never taken
    money: list[Money]
    parts: dict[DangerPart, int]  # of the headline amount in danger (fen), by what the reader can do about each
    tree: DrawnTree | None  # of the money, once a bank has stated a movement
    later: list[LaterLeft]  # what remains of standing approvals
    line: TimeLine
    shield: datetime | None  # until when the resident is shielded after a loss
    earlier: list[Case]
    related: list[Row]
    elsewhere: int  # number of related cases outside the area
    incident: Incident | None  # the major incident that the case belongs to
    holder: str | None  # the name of the person who has claimed the case
    officer: str | None  # the name of the officer who was sent
    late_visit: LateVisit | None  # of the visit, if it cannot be made in time
    login: str  # the reader's
    mine: bool  # claimed by the reader
    may: bool  # the reader's role may act on cases
    kept_back: list[Waiting]
    held: set[str]  # the transfers whose request for a stop is delayed for some seconds and can still be undone
    talk: Talk
    lower: list[Level]
    decides: bool  # the reader may open the release desk
    names: Mapping[str, str]  # people's names by login; empty if nothing names anybody

    @property
    def acts(self) -> bool:
        """True if the reader may act on the case now: the role allows it and the case is open."""
        return self.may and self.case.open

    @property
    def call(self) -> str:
        """The state of the desk's latest call: "none", "busy", "no_answer", "connected" (it goes on) or "ended". A call
        by somebody else than the person who has the case now counts only while it goes on; after that, and if it was
        not answered, the state is "none".
        """
        if call_goes_on(self.case, self.now):
            return "connected"
        call = grounds.own_call(self.case)
        if call is None or not call.answered:
            return call.result.value if call else "none"
        return "ended"

    @property
    def tried(self) -> CallsTried:
        """The calls to the resident so far, the system's and the operators'."""
        return calls_tried(self.case)

    @property
    def broken_off(self) -> bool:
        """True if the latest call ended with its operator's claim, at an unknown time."""
        return self.call == "ended" and bool(self.case.desk_call and self.case.desk_call.goes_on)

    @property
    def reasons(self) -> list[ReasonNow]:
        """The reasons of the danger, with what has become of the money that they name."""
        return reasons_now(self.case)

    @property
    def offered(self) -> Sequence[Outcome]:
        """The outcomes that are possible after the call; none is preselected."""
        return grounds.offered(self.case)

    @property
    def talked(self) -> bool:
        """True if the desk's latest call was answered, and nobody else than its operator has claimed the case since, or
        if an officer has met the resident. If not, answers are not offered and "dissuaded" needs a ground.
        """
        return grounds.known_ground(self.case) is not None

    @property
    def stated(self) -> list[OutcomeGround]:
        """The grounds that a person may state."""
        return [ground for ground in OutcomeGround if not ground.evidenced]

    @property
    def on_the_way(self) -> bool:
        """True if somebody is on the way to the resident and can be recalled."""
        return grounds.on_the_way(self.case)

    @property
    def stops(self) -> CaseStops:
        """The state of the stops of the case's payments, for the strip above the page."""
        return case_stops(self.case, self.login, self.held)

    @property
    def stoppable(self) -> list[Money]:
        """The payments and traced accounts that the reader may ask a stop for now."""
        return [each for each in self.money if each.may_ask and each.transfer not in self.held] if self.acts else []

    @property
    def proposed(self) -> list[Money]:
        """Those of `stoppable` that are asked for at once unless the person leaves them out."""
        return [each for each in self.stoppable if each.proposed]

    @property
    def refused(self) -> list[Money]:
        """The payments and traced accounts whose stop the bank has refused."""
        return [each for each in self.money if each.refused]

    @property
    def rest(self) -> bool:
        """True if `proposed` is only the rest: for other money that is at risk, a stop is asked for, in force, or
        refused.
        """
        return partly_asked(self.case, self.login, self.held) or DangerPart.REFUSED in self.parts

    def is_moot(self, step: Step) -> bool:
        """Return True if a step in `coming` will not go out, so that no time runs for it."""
        return goes_no_more(self.case, step)

    @property
    def deadline(self) -> OpenDeadline | None:
        """The deadline of the reader's own call while they have claimed the case; otherwise the nearest open deadline
        of the case. None without one.
        """
        return own_deadline(self.case, self.login)

    @property
    def sooner(self) -> OpenDeadline | None:
        """The nearest deadline of the case if it ends before `deadline`; None otherwise."""
        return sooner_deadline(self.case, self.login)

    @property
    def main(self) -> MainAct:
        """The act that the page's one solid button is."""
        return main_act(self.case, self.login, may_stop=bool(self.proposed))

    @property
    def waiting_since(self) -> datetime:
        """The time since which the case has been offered to operators, or when it was opened, if it is not offered."""
        return triage.waiting_since(self.case)

    @property
    def headline(self) -> Headline:
        """The one amount at the head of the page, and what it is."""
        return headline_of(self.case)


async def view(services: Services, who: Who, case: Case, script: str = "") -> View:
    """Return the data of the page. `script`: the scam type whose script the reader chose; "" for none. Missing or
    unreadable policies cost only what they would add to the page. Errors of Kafka and Redis pass through.
    """
    now, line = services.line.clock.now(), services.line
    store = EvidenceStore(line.redis, line.settings.partitions, line.clock.speed)
    person, evidence, money, earlier, holder, kept_back = await asyncio.gather(
        person_of(services, who, case, now),
        store.of(case.resident),
        money_of(services, case, who.login),
        _earlier(services, who, case),
        _holder(services, case),
        services.kept_back.waiting(case.id),
    )
    related, elsewhere = _related(services, who, case)
    later = later_left(case, now)
    held = {each.body.act.transfer for each in kept_back if isinstance(each.body.act, AskStopAct)}
    over = [step for step in case.steps if step.state not in LIVE_STEPS and not step.id.startswith("clock.")]
    return View(
        case=case,
        now=now,
        person=person,
        coming=coming_steps(case),
        done=[step for step in over if step.state not in UNDONE],
        skipped=[step for step in over if step.state in UNDONE],
        money=money,
        parts=danger_parts(case, who.login, held),
        tree=await drawn_tree(services, case, person.resident),
        later=later,
        line=drawn(case, evidence, now),
        shield=shield_of(case, await _shield_rules(services, case), now),
        earlier=earlier,
        related=related,
        elsewhere=elsewhere,
        incident=await _incident(services, case),
        holder=holder,
        officer=await _officer(services, case),
        late_visit=(await late_visits(services, [case], now)).get(case.id) if grounds.on_the_way(case) else None,
        login=who.login,
        mine=case.claimed_by == who.login,
        may=who.role in ACTING,
        kept_back=kept_back,
        held=held,
        talk=talk_of(case, script),
        lower=[level for level in GRAVEST_FIRST if level.rank < case.level.rank],
        decides=who.role in RELEASES,
        names=await services.staff.names() if later or case.desk_call or any(each.release for each in money) else {},
    )


async def _shield_rules(services: Services, case: Case) -> ShieldRules | None:
    """Return the shield of the policy in force, which screening and the support calls apply; None if it has none, if
    the case has no loss, or if the policy's text is unknown here.
    """
    if case.prior_loss is None:
        return None
    try:
        return (await services.line.policies.live()).shield
    except (UnknownPolicyError, PolicyError):
        return None


def talk_of(case: Case, script: str = "") -> Talk:
    """Return the position in the conversation, by the chosen script (ignored if there is none of this name), else the
    case's own script, else that of its scam type. The recorded answers count only in the case's own script. Raises
    ScriptError if a call script is invalid.
    """
    wanted = script if script in trees() else ""
    tree = tree_of(wanted or case.script or case.danger.scam_type)
    answers = case.answers if tree.scam == case.script else {}
    walked = walk(tree, answers)
    return Talk(tree, walked, chosen=tree.scam == case.script, asks=isinstance(walked.at, Question))


def context(language: str) -> dict[str, Any]:
    """Return the template variables that all case pages share: `scripts`, by scam type, and `spoken`, the language.
    Raises ScriptError if a call script is invalid.
    """
    return {"scripts": trees(), "spoken": language}


async def person_of(services: Services, who: Who, case: Case, now: datetime) -> Person:
    """Return the resident of a case as the reader sees them. `resident` is None if the register has no entry any more;
    `whole` is True while the reader has revealed the data, for `left` more seconds; place and age are the case's.
    Errors of Redis pass through.
    """
    found = (await services.line.residents.standing([case.resident])).get(case.resident)
    guardian = await guardian_of(services.line.residents, found)
    left = await unmask.seconds_left(services, who, case.resident)
    return Person(
        resident=found,
        now=now,
        place=_place(case.profile.division, now),
        age=stated_age(case.profile, now),
        whole=left > 0,
        left=left,
        guardian=guardian,
    )


def _place(division: str, now: datetime) -> str:
    """Return the Chinese names of prefecture, county and street, as far as the division code has them."""
    codes = dict.fromkeys((f"{division[:4]}00", division[:6], division))
    return " ".join(dict.fromkeys(name_of(code, local_date(now)) for code in codes))


async def _earlier(services: Services, who: Who, case: Case) -> list[Case]:
    """Return the resident's other cases in the reader's area, the latest first: newer ones, and at most MOST_EARLIER
    older ones.
    """
    numbers = [number for number in range(case.number + 1, max(0, case.number - MOST_EARLIER) - 1, -1) if number]
    names = [f"{case.resident}-{number}" for number in numbers if number != case.number]
    loaded = await asyncio.gather(*(services.desk.load(name) for name in names))
    return [each for each in loaded if each is not None and who.sees(each.profile.division)]


async def _holder(services: Services, case: Case) -> str | None:
    if case.claimed_by is None:
        return None
    account = await services.staff.get(case.claimed_by)
    return account.name if account else case.claimed_by


async def _officer(services: Services, case: Case) -> str | None:
    roster = await services.line.outgoing.rosters.roster_of(case.officer) if case.officer else None
    return next((each.name for each in roster.officers if each.id == case.officer), None) if roster else case.officer


async def _incident(services: Services, case: Case) -> Incident | None:
    if case.danger.campaign is None:
        return None
    known = await services.line.incidents.in_force(case.profile.division)
    return next((each for each in known if each.campaign == case.danger.campaign), None)


def _related(services: Services, who: Who, case: Case) -> tuple[list[Row], int]:
    """Return the open cases of the same campaign in the reader's area, and the number of those outside it."""
    if case.danger.campaign is None:
        return [], 0
    rows = [
        row
        for row in services.hub.rows.values()
        if row.case.danger.campaign == case.danger.campaign and row.id != case.id
    ]
    mine = [row for row in rows if who.sees(row.case.profile.division)]
    newest = sorted(mine, key=lambda row: (-row.level.rank, row.id))
    return newest[:MOST_RELATED], len(rows) - len(mine)
