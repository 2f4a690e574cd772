"""In every order of events between two provinces, at least one of them handles the resident."""

from collections.abc import Callable
from datetime import datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.casework.provinces.records import offer_waiting
from schemas.casework.cases import CaseState, StepState
from schemas.casework.events import Dispatch, FactKind
from schemas.codes.channels import ChannelCode
from schemas.levels import Action, Level, Result
from tests.domain.builders import NOON, Line, payment, profile
from tests.domain.casework.provinces.provinceworld import (
    BEFORE,
    DEADLINE,
    RULES,
    THERE_RESIDENT,
    Receiver,
    answered,
    ended_here,
    handles,
    offered,
    offered_back,
    received,
    sender,
    with_rules,
)

QUIET = NOON + timedelta(hours=10)  # 22:00 in Jilin


class Two:
    """Both provinces, and the network between them."""

    def __init__(self, level: Level, resident: str = THERE_RESIDENT, at: datetime = NOON) -> None:
        self.here, self.there, self.deadline = sender(level, at), Receiver(resident, at), DEADLINE[level]
        self.answers: list[tuple[Line, Dispatch, ChannelCode]] = []

    def offer(self) -> None:
        offered(self.here)

    def offer_back(self) -> None:
        if self.there.case:
            offered_back(self.there)

    def open_there(self) -> None:
        """The other province finds the danger too."""
        self.there.finds(Level.ORANGE)

    def rise(self) -> None:
        """The danger here becomes graver."""
        self.here.alert(Level.RED, payment(), of=profile(contacts=1))

    def carry(self) -> None:
        """Carry the latest request, once more if it was carried before."""
        self._carry(self.here, self.there)

    def carry_back(self) -> None:
        self._carry(self.there, self.here)

    def _carry(self, by: Line, to: Line) -> None:
        requests = [out for out in by.sent() if out.action is Action.HAND_OVER]
        for out in requests[-1:]:
            self.answers.append((by, out, received(to, out, self.now)))

    def answer(self) -> None:
        for by, out, why in self.answers[:1]:
            answered(by, out, why, Result.DELIVERED, at=self.now)
        del self.answers[:1]

    def lose(self) -> None:
        del self.answers[-1:]

    def end_there(self) -> None:
        if self.there.case:
            ended_here(self.there)

    def deny(self) -> None:
        """The receiver's policy changes: it takes no cases, or takes them again."""
        with_rules(self.there, None if self.there.rules.policy.handover else RULES)

    def end(self) -> None:
        ended_here(self.here)

    def wait(self) -> None:
        self._pass(timedelta(seconds=20))

    def wait_long(self) -> None:
        self._pass(timedelta(seconds=self.deadline))

    def _pass(self, time: timedelta) -> None:
        until = self.now + time
        for line in (self.here, self.there):
            if line.case:
                line.pass_to(until)

    @property
    def now(self) -> datetime:
        return max(self.here.now, self.there.now)

    def check(self) -> None:
        assert handles(self.here) or handles(self.there)
        if self.here.state() is CaseState.HANDED_OVER:
            assert handles(self.there)
            assert self.there.here.level.rank >= self.here.here.level.rank
        for line in (self.here, self.there):
            if handles(line) and offer_waiting(line.here) is None:
                assert all(step.state is not StepState.HELD for step in line.here.steps), "contacts go on"
            elif line.case and line.here.level in (Level.YELLOW, Level.BLUE):
                held = [step.due for step in line.here.steps if step.state is StepState.HELD]
                assert all(due and not line.now < QUIET < due for due in held), "no contact waits into the night"


MOVES = (Two.offer, Two.carry, Two.answer, Two.lose, Two.deny, Two.end, Two.wait, Two.wait_long)
BACK = (Two.rise, Two.offer_back, Two.carry_back, Two.end_there, Two.open_there)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from(MOVES + BACK), max_size=32),
    st.sampled_from(list(Level)),
    st.sampled_from((THERE_RESIDENT, BEFORE)),
    st.sampled_from((NOON, QUIET - timedelta(minutes=50), QUIET - timedelta(minutes=4))),
)
@example([Two.offer, Two.carry, Two.wait_long, Two.rise, Two.answer, Two.end], Level.BLUE, THERE_RESIDENT, NOON)
def test_in_every_order_of_events_at_least_one_province_handles_the_resident(
    moves: list[Callable[[Two], None]], level: Level, resident: str, at: datetime
) -> None:
    """Requests and answers may be lost, repeated, and late; offers may cross, and either one goes before; the receiver
    may deny; a supervisor may end one.
    """
    two = Two(level, resident, at)
    for move in moves:
        move(two)
        two.check()
    assert len(two.there.facts(FactKind.OPENED)) <= 1
