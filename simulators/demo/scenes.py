"""Two scenes of a demo beside the province's everyday work: residents ask the public check, and an operator hands cases
over to a simulated neighbouring province. Each is printed in a line.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import httpx

from domain.ids import short_hash
from domain.public_check.buckets import CheckStatus
from schemas.casework.cases import Case
from schemas.casework.inputs import OperatorReport
from schemas.casework.provinces import CaseOffer, OfferCaseAct, OfferState, ProvinceGround
from schemas.levels import Level
from schemas.people.staff import StaffRole
from simulators.providers.neighbour import NEIGHBOUR
from simulators.world.asker import PublicAsker, account_in_question
from simulators.world.province import Province
from streams.casework.claims import CaseClaims
from streams.installation import Installation
from streams.messaging.codec import CodecError
from streams.messaging.producer import SendError
from streams.monitoring.overview import overview
from streams.runtime.clock import Clock
from streams.runtime.tasks import until_done, wanted

ASKS_FIRST, ASKS_EVERY = timedelta(minutes=3), timedelta(minutes=6)  # simulated; residents who ask the public check
HANDS_FIRST, HANDS_EVERY = timedelta(minutes=4), timedelta(minutes=60)  # simulated; cases handed over
HANDS_AGAIN = timedelta(minutes=1)  # simulated, after an offer that came to nothing
LOOK = timedelta(seconds=20)  # simulated, between two looks for a case or an account
OFFERED = timedelta(minutes=20)  # simulated: the longest until the case has the offer; it was refused otherwise
ANSWER_LOOK_SECONDS = 0.1  # wall-clock
OPERATOR = "operator-1"
LEVELS = (Level.ORANGE, Level.YELLOW)  # the deadline of red, a minute, is a second at the demo's speed
ANSWERS = {
    CheckStatus.CONFIRMED: "confirmed",
    CheckStatus.REPORTED: "reported, not confirmed",
    None: "not on the list",
}

Say = Callable[[str], None]


class Scenes:
    """The scenes of one demo. `say`: prints a line. `checks`: how often the public check gave each answer, by the
    answer's English text.
    """

    def __init__(self, province: Province, line: Installation, desk: CaseClaims, say: Say) -> None:
        self._province, self._line, self._desk, self._say = province, line, desk, say
        self._clock = line.clock
        self._asked: set[str] = set()
        self.checks: Counter[str] = Counter()

    async def run(self, console: str | None, *, hands_over: bool) -> None:
        """Run the scenes until cancelled; return at once if there are none. `console`: the base URL of a console with
        the public check; None: nobody asks it. `hands_over`: True if a simulated operator hands cases over to the
        neighbouring province.

        Failed questions and reports are tried again later. Other errors are raised in an ExceptionGroup.
        """
        async with asyncio.TaskGroup() as running:
            if console is not None:
                running.create_task(self._asking(console))
            if hands_over:
                running.create_task(self._handing_over())

    async def _asking(self, console: str) -> None:
        """Let residents ask the console's public check. A question that fails is asked again later."""
        async with httpx.AsyncClient(base_url=console, timeout=10) as client:
            asker = PublicAsker(client)
            await self._wait(ASKS_FIRST)
            while wanted():
                try:
                    done = await self._ask(asker)
                except (httpx.HTTPError, TimeoutError, ValueError):
                    done = False
                await self._wait(ASKS_EVERY if done else LOOK)

    async def _wait(self, duration: timedelta) -> None:
        """Wait for so much of the province's time, which may stand still meanwhile."""
        await self._clock.sleep_until(self._clock.now() + duration)

    async def _ask(self, asker: PublicAsker) -> bool:
        stories = [life.story for life in list(self._province.truth.lives.values())]
        number = account_in_question(stories, self._asked, self._clock.now())
        if number is None:
            return False
        answer = ANSWERS[await asker.ask_about_account(number)]
        self._asked.add(number)
        self.checks[answer] += 1
        self._say(f"Public check: a resident asked about an account before paying into it. Answer: {answer}")
        return True

    async def _handing_over(self) -> None:
        await self._wait(HANDS_FIRST)
        while wanted():
            case = next((each for each in await until_done("recent cases", self._recent) if may_go(each)), None)
            if case is None:
                await self._wait(LOOK)
            else:
                await self._wait(HANDS_EVERY if await self._hand_over(case) else HANDS_AGAIN)

    async def _recent(self) -> list[Case]:
        """Return the cases that changed lately."""
        return (await overview(self._line.settings, self._line.store, self._clock, {})).recent

    async def _hand_over(self, case: Case) -> bool:
        """Offer a case as it is now, and return True once it is acknowledged; False if the offer came to nothing."""
        now = await until_done("case to offer", partial(self._desk.load, case.id))
        if now is None or not may_go(now):
            return False
        try:
            await self._desk.report(_offer(now, self._clock))
        except (SendError, CodecError):
            return False
        offer = await self._offered(now)
        if offer is None:
            return False
        self._say(f"Hand-over: case {case.id} ({case.level.value}) is offered to {NEIGHBOUR}, where the resident is")
        while offer.waits:
            await asyncio.sleep(ANSWER_LOOK_SECONDS)
            offer = await self._latest(case) or offer
        if offer.state is not OfferState.ACCEPTED or offer.answered_at is None:
            self._say(f"Hand-over: {NEIGHBOUR} did not take case {case.id}, which stays here")
            return False
        after = (offer.answered_at - offer.at).total_seconds()
        self._say(
            f"Hand-over: {NEIGHBOUR} acknowledged case {case.id} after {after:.0f} s of the province's time, "
            f"as its case {offer.other_case}"
        )
        return True

    async def _offered(self, case: Case) -> CaseOffer | None:
        """Return the offer once another process has made it; None if it did not within the province's time, which
        stands still while processing is late, or if the case has changed first: then it refuses the offer.
        """
        until = self._clock.now() + OFFERED
        while self._clock.now() < until:
            found = await until_done("offer", partial(self._desk.load, case.id))
            if found is not None and found.offers:
                return found.offers[-1]
            if refuses(found, case.version):
                return None
            await asyncio.sleep(ANSWER_LOOK_SECONDS)
        return None

    async def _latest(self, case: Case) -> CaseOffer | None:
        found = await until_done("offer", partial(self._desk.load, case.id))
        return found.offers[-1] if found is not None and found.offers else None


def may_go(case: Case) -> bool:
    """Return True if a simulated operator may hand the case over: it is orange or yellow, not settled, claimed by
    nobody, and was never offered to another province.
    """
    return case.open and not case.settled and not case.offers and not case.claimed_by and case.level in LEVELS


def refuses(case: Case | None, seen: int) -> bool:
    """Return True if the case has no offer yet and refuses one of a page that showed its version `seen`: it has
    changed since, or is deleted (None).
    """
    return case is None or (not case.offers and case.version > seen)


def _offer(case: Case, clock: Clock) -> OperatorReport:
    return OperatorReport(
        id=short_hash("handed over", case.id, case.version),
        at=clock.now(),
        resident=case.resident,
        case=case.id,
        by=OPERATOR,
        role=StaffRole.OPERATOR,
        seen=case.version,
        act=OfferCaseAct(province=NEIGHBOUR, ground=ProvinceGround.IS),
    )
