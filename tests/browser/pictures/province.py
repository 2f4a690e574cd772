"""A demo that stands still: a province after some hours, whose time runs only when it is told to."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from console.web.kit import demo as guests
from domain.desk.subject_requests import granted
from domain.payments.stop_progress import may_ask
from schemas.base import ANY_VERSION
from schemas.casework.acts import AskStopAct
from schemas.casework.cases import Case
from schemas.casework.inputs import OperatorReport
from schemas.casework.provinces import OfferState
from schemas.levels import Action, CallResult
from schemas.people.legal_holds import LegalAuthority, LegalHold, LegalHoldDeed, LegalHoldEntry
from schemas.people.rosters import TaskState
from schemas.people.staff import Account, ApiToken, Scope, StaffRole
from schemas.people.subject_requests import Correction, IdentityProof, SubjectRequest, SubjectRight
from simulators.demo.pacing import AHEAD_SECONDS, Pacer
from simulators.demo.run import Demo, Plan, Running, in_background
from simulators.world.operators import Operators
from simulators.world.province import START
from streams.casework.claims import CaseClaims
from streams.channels.telephone import Call, Telephone
from streams.installation import Installation
from streams.runtime.settings import Settings
from streams.state.keys import key

SEED, SPEED, RESIDENTS = 7, 30.0, 3000
STAFFED = timedelta(minutes=45)  # of the province's time, with simulated operators
ALONE = timedelta(minutes=12)  # then without: so cases and stop orders wait for the person who looks
OPERATORS = 4
ASKED, ASKS = 4, "demo-operator"  # stops, and who asks for them
ORDERS_SECONDS = 60.0
LOOK_SECONDS = 0.2
WAIT_SECONDS = 900.0
ORDER = (
    StaffRole.OPERATOR,
    StaffRole.OFFICER,
    StaffRole.SUPERVISOR,
    None,  # the supervisor who takes over
    StaffRole.RELEASE_DESK,
    StaffRole.AUDITOR,
    StaffRole.DISPLAY,
    StaffRole.SYSTEM_ADMINISTRATOR,
    StaffRole.SECURITY_ADMINISTRATOR,
)
"""Whose addresses `console.web.kit.demo.beside` yields, in this order."""


class OpenLine:
    """A telephone on which everybody answers, and talks until `over` is set."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    async def call(self, case_id: str, answered: Callable[[], Awaitable[None]]) -> Call:
        """Connect the call, and return its result once the talk is over."""
        await answered()
        await self.over.wait()
        return Call(CallResult.ANSWERED)


@dataclass
class Still:
    """A running demo. `doors`: the address that signs in each role."""

    running: Running
    doors: dict[StaffRole, str]

    @property
    def account(self) -> str:
        """An account that the police have confirmed to be a fraudster's."""
        now, lives = self.line.clock.now(), self.running.province.truth.lives.values()
        confirmed = [account for life in lives for account, at in life.story.gang.confirmed if at <= now]
        if not confirmed:
            raise RuntimeError("no account is confirmed: choose another seed or let more time pass")
        return min(confirmed)

    async def handed_over(self) -> str:
        """Return the path of the hand-over's page of a case that the neighbouring province has taken."""
        for case in await _cases(self.line):
            if case.offers and case.offers[-1].state is OfferState.ACCEPTED:
                return f"/cases/{case.id}/province"
        raise RuntimeError("no case was handed over: choose another seed or let more time pass")

    async def not_reached(self) -> str:
        """Return the path of the search's page of the gravest case in which nobody was reached and nobody talks, in a
        county with places to search.
        """
        counties = tuple(each.division[:6] for each in await self.line.places.all())
        for case in await _cases(self.line):
            alone = case.open and not case.settled and not case.claimed_by and not case.warnings
            if alone and case.profile.division.startswith(counties):
                return f"/cases/{case.id}/search"
        raise RuntimeError("everybody was reached: choose another seed or let more time pass")

    async def shielded(self) -> str:
        """Return the path of the page of a case whose resident has lost money and is shielded, with support calls."""
        for case in await _cases(self.line):
            if case.open and case.prior_loss and any(each.action is Action.SUPPORT_CALL for each in case.steps):
                return f"/cases/{case.id}"
        raise RuntimeError("nobody is shielded: choose another seed or let more time pass")

    async def personal_requests(self) -> None:
        """Enter a request to see, to correct and to erase data, an order to keep it, and a program with a token."""
        line, now = self.line, self.line.clock.now()
        people = [case.resident for case in await _cases(line)][:3]
        entries = await line.residents.get(people)
        for number, (person, right) in enumerate(zip(people, SubjectRight, strict=False), 1):
            asked = SubjectRequest(
                id=f"s{number:020x}",
                at=now - timedelta(days=number),
                by=ASKS,
                right=right,
                proof=IdentityProof.IN_PERSON,
                name=entries[person].name,
                area=entries[person].division,
                resident=person,
                correction=Correction(name=entries[person].name) if right is SubjectRight.CORRECT else None,
                due=now + timedelta(days=21 - number),
            )
            by_another = asked if right is not SubjectRight.SEE else granted(asked, "demo-supervisor-2", now)
            await line.subject_requests.put(by_another)
        entered = LegalHoldEntry(id="pictures", at=now, by="demo-supervisor-2", did=LegalHoldDeed.ENTERED)
        hold = LegalHold(
            id=f"l{1:020x}",
            resident=people[-1],
            ordered_by=LegalAuthority.COURT,
            number="（2026）示例刑初1号",
            until=now + timedelta(days=180),
            area=entries[people[-1]].division,
            entries=[entered],
        )
        await line.legal_holds.put(hold)
        await _known(line, "case-statistics", "统计平台（示例）", StaffRole.SERVICE)
        await line.staff.put_token(
            ApiToken(
                id=f"{1:012x}",
                hash=f"{1:064x}",
                login="case-statistics",
                purpose="日报",
                scopes=[Scope.READ_CASES],
                epoch=0,
                until=line.clock.wall.now() + timedelta(days=90),
                made_at=now,
                made_by="demo-system-administrator",
                confirmed_by="demo-security-administrator",
            )
        )

    @property
    def line(self) -> Installation:
        """The demo's open installation."""
        return self.running.line

    async def let_go_on(self, until: Callable[[], Awaitable[bool]]) -> None:
        """Let time run until `until` returns True, and return when it stands. Raises TimeoutError after 15 minutes."""
        async with asyncio.timeout(WAIT_SECONDS), in_background(Pacer(self.line, self.running.feeders).run()):
            while not await until():  # noqa: ASYNC110 - several things may end it
                await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(AHEAD_SECONDS + LOOK_SECONDS)  # what the pacer had let it run ahead

    async def let_pass(self, span: timedelta) -> None:
        """Let so much of the province's time pass."""
        end = self.line.clock.now() + span

        async def reached() -> bool:
            return self.line.clock.now() >= end

        await self.let_go_on(reached)


@asynccontextmanager
async def standing_still(folder: Path) -> AsyncIterator[Still]:
    """Yield a province after STAFFED and ALONE, with everything stopped that moves by itself."""
    doors: dict[StaffRole, str] = {}

    talking = OpenLine()

    def served(
        line: Installation, _telephone: Telephone, officer: str
    ) -> AbstractAsyncContextManager[tuple[str, list[str]]]:
        return _noted(guests.beside(line, talking, officer), doors)

    plan = Plan(timedelta(hours=1), SPEED, SEED, RESIDENTS, workers=1, operators=0, paced=True, scenes=True)
    demo = Demo(Settings(data=folder), plan, Console(quiet=True), lambda *_: "", served)
    async with demo.running() as running:
        still = Still(running, doors)
        async with in_background(running.feeders.run(START + STAFFED + ALONE)):
            async with in_background(_desk(running)), in_background(running.scenes.run(None, hands_over=True)):
                await still.let_pass(STAFFED)
            await still.let_pass(ALONE)
        await _orders_wait(running)
        await _officer_has_tasks(running)
        yield still
        talking.over.set()


async def _desk(running: Running) -> None:
    """Let operators work."""
    line, province = running.line, running.province
    desk = CaseClaims(line.settings, line.store, line.producer, line.policies, line.clock)
    names = [f"operator-{number}" for number in range(1, OPERATORS + 1)]
    await Operators(desk, province.contacts, province, line.clock).run(names)


async def _known(line: Installation, login: str, name: str, role: StaffRole) -> None:
    """Write an account for a person, so that pages show the name in place of the login."""
    await line.staff.put(Account(login=login, name=name, role=role, changed_at=line.clock.now(), changed_by="demo"))


async def _orders_wait(running: Running) -> None:
    """Let an operator ask for stops, and return when one waits for the release desk: nobody approves while time stands
    still. If the policy needs no person for them, a line says so.
    """
    line = running.line
    desk = CaseClaims(line.settings, line.store, line.producer, line.policies, line.clock)
    asked = 0
    for case in await _cases(line):
        free = [payment.transfer for payment in case.payments if may_ask(case, payment, ASKS)]
        if not free or not case.open or case.settled or case.claimed_by or asked == ASKED:
            continue
        asked += 1
        await desk.report(
            OperatorReport(
                id=f"pictures:{case.id}",
                at=line.clock.now(),
                resident=case.resident,
                case=case.id,
                by=ASKS,
                role=StaffRole.OPERATOR,
                seen=case.version,
                act=AskStopAct(transfer=free[0]),
            )
        )
    for _ in range(round(ORDERS_SECONDS / LOOK_SECONDS)):
        if await desk.proposed():
            return
        await asyncio.sleep(LOOK_SECONDS)
    print(f"of {asked} stops that were asked for none waits for the release desk: its page shows none")


async def _cases(line: Installation) -> list[Case]:
    """Return the cases, the gravest first."""
    stored = [await line.redis.hvals(key("cases", partition)) for partition in range(line.settings.partitions)]
    found = [Case.model_validate_json(raw, extra=ANY_VERSION) for partition in stored for raw in partition]
    return sorted(found, key=lambda case: (-case.level.rank, case.id))


async def _officer_has_tasks(running: Running) -> None:
    """Let the demo's officer be the one who has most open tasks."""
    line = running.line
    tasks = (await line.outgoing.rosters.tasks(line.clock.now())).values()
    busy = Counter(task.officer for task in tasks if task.state is TaskState.OPEN)
    account = await line.staff.get("demo-officer")
    if account is None or not busy:
        raise RuntimeError("no officer has a task: choose another seed or let more time pass")
    await line.staff.put(account.model_copy(update={"officer": busy.most_common(1)[0][0]}))


@asynccontextmanager
async def _noted(
    serving: AbstractAsyncContextManager[tuple[str, list[str]]], doors: dict[StaffRole, str]
) -> AsyncIterator[tuple[str, list[str]]]:
    async with serving as (address, lines):
        addresses = [line.split()[0] for line in lines[1:]]
        doors.update({role: address for role, address in zip(ORDER, addresses, strict=False) if role})
        yield address, lines
