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
from console.web.case.stories import Story, TimelineEntry
from console.web.case.timeline import TimeLine, drawn
from console.web.kit.door import RELEASES
from console.web.kit.services import Services
from console.web.kit.wording import wording
from console.web.live.row import Row, estimated, stake
from console.web.payments.later import LaterLeft, later_left
from domain.calendar import local_date
from domain.casework import grounds, triage
from domain.desk.questions import Question, Tree, Walk, walk
from domain.identity.divisions import name_of
from domain.payments import releases
from domain.payments.status import PaymentStatus, Reconciled, status_of
from domain.payments.stop_progress import CaseStops, case_stops, may_ask
from domain.wording import labels
from schemas.casework.cases import LIVE_STEPS, Case, Payment, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import AskStopAct
from schemas.channels.bank_messages import bank_of
from schemas.channels.releases import ReleaseRequest
from schemas.codes.people import Recorded
from schemas.levels import GRAVEST_FIRST, Level, Outcome, OutcomeGround
from schemas.people.incidents import Incident
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from streams.screening.store import EvidenceStore

UNDONE = (StepState.SKIPPED, StepState.WITHDRAWN)
MOST_EARLIER = 10
MOST_RELATED = 20
ACTING = frozenset({StaffRole.OPERATOR, StaffRole.SUPERVISOR})


@dataclass(frozen=True, slots=True)
class Person:
    """The resident of the case. `resident`: None if unknown; `whole`: whether the data is revealed to the reader;
    `place`: prefecture, county and street in Chinese; `age`: in years.
    """

    resident: Resident | None
    place: str
    age: int
    whole: bool
    left: int  # seconds until it is masked again; 0 if it is masked

    @property
    def phones(self) -> list[str]:
        """The telephone numbers that the resident holds now."""
        return [held.value for held in self.resident.phones if held.until is None] if self.resident else []


@dataclass(frozen=True, slots=True)
class Money:
    """A payment of the case, or an account that its money went on to (`traced`), with its single status.

    `bank`: the payer's; `account`: the payee's account number, "" if unknown; `scammer`: the account holder's name and
    how the scammer is reached, as the resident said. `account` and `scammer` are shown whole only if revealed.
    """

    transfer: str
    bank: str
    account: str
    amount_fen: int
    at: datetime
    status: Reconciled
    until: datetime | None  # the end of a stop in force
    kept: str | None  # the evidence class of the loss avoided
    may_ask: bool
    may_release: bool  # a stop is in force and its release was not asked for
    release: ReleaseRequest | None  # the request that waits for a second person
    scammer: tuple[str, ...] = ()
    traced: bool = False


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
    person: Person
    coming: list[Step]
    done: list[Step]
    skipped: list[Step]  # and withdrawn ones: steps that were never taken
    money: list[Money]
    tree: DrawnTree | None  # of the money, once a bank has stated a movement
    later: list[LaterLeft]  # what remains of standing approvals
    line: TimeLine
    earlier: list[Case]
    related: list[Row]
    elsewhere: int  # number of related cases outside the area
    incident: Incident | None  # the major incident that the case belongs to
    holder: str | None  # the name of the person who has claimed the case
    officer: str | None  # the name of the officer who was sent
    login: str  # the reader's
    mine: bool  # claimed by the reader
    may: bool  # the reader's role may act on cases
    kept_back: list[Waiting]
    talk: Talk
    lower: list[Level]
    decides: bool  # the reader may open the release desk
    names: Mapping[str, str]  # people's names by login; empty if nothing names anybody

    @property
    def acts(self) -> bool:
        """Whether the reader may act on the case now: the role allows it and the case is open."""
        return self.may and self.case.open

    @property
    def call(self) -> str:
        """The state of the desk's latest call: "none", "busy", "no_answer", "connected" or "ended"."""
        call = self.case.desk_call
        if call is None or not call.answered:
            return call.result.value if call else "none"
        return "connected" if call.goes_on else "ended"

    @property
    def offered(self) -> Sequence[Outcome]:
        """The outcomes that are possible after the call; none is preselected."""
        return grounds.offered(self.case)

    @property
    def talked(self) -> bool:
        """Whether a conversation or a visit is recorded. If not, answers are not offered and "dissuaded" needs a
        ground.
        """
        return grounds.known_ground(self.case) is not None

    @property
    def stated(self) -> list[OutcomeGround]:
        """The grounds that a person may state."""
        return [ground for ground in OutcomeGround if not ground.evidenced]

    @property
    def on_the_way(self) -> bool:
        """Whether somebody is on the way to the resident and can be recalled."""
        return grounds.on_the_way(self.case)

    @property
    def held(self) -> set[str]:
        """The transfers whose request for a stop is delayed for some seconds."""
        return {waiting.body.act.transfer for waiting in self.kept_back if isinstance(waiting.body.act, AskStopAct)}

    @property
    def stops(self) -> CaseStops:
        """The state of the stops of the case's payments, for the strip above the page."""
        return case_stops(self.case, self.login, self.held)

    @property
    def stoppable(self) -> list[Money]:
        """The payments and traced accounts that the reader may ask a stop for now."""
        return [each for each in self.money if each.may_ask and each.transfer not in self.held] if self.acts else []

    @property
    def left_until(self) -> datetime | None:
        """The deadline for acting: of a promised call, or the end of a stop; None without one."""
        return triage.left_until(self.case)

    @property
    def waiting_since(self) -> datetime:
        """The time since which the case has waited for an operator, as in the queue."""
        return triage.waiting_since(self.case)

    @property
    def stake_fen(self) -> int:
        """The money at stake in fen, as in the queue."""
        return stake(self.case)

    @property
    def estimated(self) -> bool:
        """Whether `stake_fen` is an estimate."""
        return estimated(self.case)


async def view(services: Services, who: Who, case: Case, script: str = "") -> View:
    """Return the data of the page. `script`: the scam type whose script the reader chose; "" for none."""
    now, line = services.line.clock.now(), services.line
    store = EvidenceStore(line.redis, line.settings.partitions, line.clock.speed)
    person, evidence, money, earlier, holder, kept_back = await asyncio.gather(
        person_of(services, who, case, now),
        store.of(case.resident),
        _money(services, case, who.login),
        _earlier(services, who, case),
        _holder(services, case),
        services.kept_back.waiting(case.id),
    )
    related, elsewhere = _related(services, who, case)
    later = later_left(case, now)
    live = [step for step in case.steps if step.state in LIVE_STEPS and step.due is not None]
    over = [step for step in case.steps if step.state not in LIVE_STEPS and not step.id.startswith("clock.")]
    return View(
        case=case,
        person=person,
        coming=sorted(live, key=lambda step: (step.due or now, step.id)),
        done=[step for step in over if step.state not in UNDONE],
        skipped=[step for step in over if step.state in UNDONE],
        money=money,
        tree=await drawn_tree(services, case, person.resident),
        later=later,
        line=drawn(case, evidence, now),
        earlier=earlier,
        related=related,
        elsewhere=elsewhere,
        incident=await _incident(services, case),
        holder=holder,
        officer=await _officer(services, case),
        login=who.login,
        mine=case.claimed_by == who.login,
        may=who.role in ACTING,
        kept_back=kept_back,
        talk=talk_of(case, script),
        lower=[level for level in GRAVEST_FIRST if level.rank < case.level.rank],
        decides=who.role in RELEASES,
        names=await services.staff.names() if later or any(each.release for each in money) else {},
    )


def talk_of(case: Case, script: str = "") -> Talk:
    """Return the position in the conversation, by the chosen script, else the case's own script, else that of its scam
    type.
    """
    wanted = script if script in trees() else ""
    tree = tree_of(wanted or case.script or case.danger.scam_type)
    answers = case.answers if tree.scam == case.script else {}
    walked = walk(tree, answers)
    return Talk(tree, walked, chosen=tree.scam == case.script, asks=isinstance(walked.at, Question))


def context(language: str) -> dict[str, Any]:
    """Return the template variables that all case pages share: the scripts by scam type, and the language."""
    return {"scripts": trees(), "spoken": language}


def timeline(story: list[TimelineEntry], language: str, whole: bool) -> list[dict[str, Any]]:
    """Return a story's events as dictionaries for the template, in words of the language, the latest first.

    `whole`: whether the reader has revealed the resident's data, so that notes are shown with their numbers.
    """
    words = wording(language, whole)
    return [
        {
            "version": each.version,
            "at": each.at,
            "facts": [
                {
                    "kind": labels.FACTS[fact.kind],
                    "words": words.sentence(fact.what),
                    "by": fact.by,
                    "refused": fact.kind is FactKind.REFUSED,
                }
                for fact in each.facts
            ],
        }
        for each in reversed(story)
    ]


def recordings(story: Story) -> list[str]:
    """Return the links to recordings that the story has."""
    noted = (fact.what for each in story.told for fact in each.facts)
    return [what.recording for what in noted if isinstance(what, Recorded)]


async def person_of(services: Services, who: Who, case: Case, now: datetime) -> Person:
    """Return the resident of a case. `whole` is True while the reader has revealed the data."""
    found = await services.line.residents.standing([case.resident])
    left = await unmask.seconds_left(services, who, case.resident)
    return Person(
        resident=found.get(case.resident),
        place=_place(case.profile.division, now),
        age=local_date(now).year - case.profile.birth_year,
        whole=left > 0,
        left=left,
    )


def _place(division: str, now: datetime) -> str:
    """Return the Chinese names of prefecture, county and street, as far as the division code has them."""
    codes = dict.fromkeys((f"{division[:4]}00", division[:6], division))
    return " ".join(dict.fromkeys(name_of(code, local_date(now)) for code in codes))


async def _money(services: Services, case: Case, by: str) -> list[Money]:
    known = list(releases.numbered(case))
    accounts = await asyncio.gather(*(services.line.outgoing.account(payment.payee) for _, payment in known))
    stands = [releases.has_stop(case, number) for number, _ in known]
    requests = await services.line.releases.all() if any(stands) else []
    found = []
    for (number, payment), account, stopped in zip(known, accounts, stands, strict=True):
        kept, status = case.kept.get(payment.transfer), status_of(case, payment)
        release = releases.of_stop(requests, case.id, number)
        found.append(
            Money(
                transfer=payment.transfer,
                bank=payers_bank(payment),
                account=account or "",
                amount_fen=payment.amount_fen,
                at=payment.at,
                status=status,
                until=payment.stop.until if payment.stop and status.status is PaymentStatus.STOPPED else None,
                kept=kept.evidence.value if kept else None,
                may_ask=may_ask(case, payment, by),
                may_release=stopped and release is None,
                release=release,
                scammer=_scammer(payment),
                traced=payment.movement is not None,
            )
        )
    return found


def payers_bank(payment: Payment) -> str:
    """Return the payer's bank of a payment: by the feed, or as the resident named it, or for a traced account as a bank
    stated.
    """
    if payment.movement is not None:
        return payment.movement.partition("#")[0]
    if payment.reported is None or payment.feed is not None:
        return bank_of(payment.feed or payment.transfer)
    return payment.reported.from_bank


def _scammer(payment: Payment) -> tuple[str, ...]:
    told = payment.reported
    return tuple(filter(None, (told.holder, told.scammer_phone, told.wechat, told.scam_link))) if told else ()


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
