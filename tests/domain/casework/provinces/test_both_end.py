"""When both provinces handle a resident, whatever came before: once the network works, one part can be ended."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.casework.provinces.records import also_there, late_offer, offer_waiting, risen_since
from schemas.casework.cases import StepState
from schemas.casework.events import Dispatch
from schemas.casework.provinces import MOST_OFFERS
from schemas.levels import Action, Level, Result
from tests.domain.builders import NOON, Line
from tests.domain.casework.provinces.provinceworld import (
    BEFORE,
    RULES,
    THERE_RESIDENT,
    answered,
    ended_here,
    handles,
    offered,
    offered_back,
    received,
    with_rules,
)
from tests.domain.casework.provinces.test_every_order import BACK, MOVES, Two


class Healed(Two):
    """Both provinces, and a network that works again."""

    def settle(self) -> None:
        """Carry everything until nobody asks any more, with its answers."""
        with_rules(self.there, RULES)
        for _ in range(40):
            on_the_way = [(by, out) for by in (self.here, self.there) for out in self._sent(by)]
            if not on_the_way and not any(self._waiting(by) for by in (self.here, self.there)):
                return
            for by, out in on_the_way:
                to = self.there if by is self.here else self.here
                answered(by, out, received(to, out, self.now), Result.DELIVERED, at=self.now)
                self.check()
            self._pass(timedelta(minutes=5) if not on_the_way else timedelta(seconds=5))
            self.check()

    def _sent(self, line: Line) -> list[Dispatch]:
        """The requests whose steps still wait for an answer."""
        steps = {step.id: step for step in line.here.steps} if line.case else {}
        return [
            out
            for out in line.sent()
            if out.action is Action.HAND_OVER
            and (step := steps.get(out.step))
            and (step.state, step.attempt) == (StepState.SENT, out.attempt)
        ]

    def _waiting(self, line: Line) -> bool:
        steps = line.here.steps if line.case else []
        return any(step.action is Action.HAND_OVER and step.state is StepState.PENDING for step in steps)

    def supervisors_act(self, *, at_once: bool) -> None:
        """A supervisor ends a province's part, or hands the case over once more, as the page offers; `at_once`: both
        provinces' supervisors do, before either has heard of the other.
        """
        for line, offers in ((self.here, offered), (self.there, offered_back)):
            late = late_offer(line.here)
            if late is not None and not risen_since(line.here, late):
                ended_here(line)
            elif offer_waiting(line.here) is None and late is None:
                offers(line)
            else:
                continue
            if not at_once:
                return

    @property
    def both(self) -> bool:
        return handles(self.here) and handles(self.there)

    @property
    def spent(self) -> bool:
        """True if a province has made its last offer, or tells by telephone that the case has become graver."""
        lines = [line for line in (self.here, self.there) if line.case]
        late = [(line.here, offer) for line in lines if (offer := late_offer(line.here))]
        most = any(len(line.here.offers) >= MOST_OFFERS for line in lines)
        return most or any(risen_since(case, offer) for case, offer in late)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(MOVES + BACK), max_size=24),
    st.sampled_from((Level.RED, Level.ORANGE)),
    st.sampled_from((THERE_RESIDENT, BEFORE)),
    st.booleans(),
)
@example([Two.offer, Two.carry, Two.wait_long, Two.offer_back, Two.carry_back, Two.wait_long], Level.RED, BEFORE, False)
@example([Two.open_there, Two.offer, Two.offer_back, Two.carry, Two.wait_long, Two.carry_back], Level.RED, BEFORE, True)
def test_once_the_network_works_one_of_two_provinces_that_handle_a_resident_can_end_its_part(
    moves: list[Callable[[Two], None]], level: Level, resident: str, at_once: bool
) -> None:
    two = Healed(level, resident, NOON)
    for move in moves:
        move(two)
        two.check()
    two.settle()
    for number in range(3):
        if two.both and two.there.case and not two.spent:
            two.supervisors_act(at_once=at_once and number == 0)
            two.check()
            two.settle()
    assert handles(two.here) or handles(two.there)
    assert not two.both or two.spent
    for line in (two.here, two.there):
        if line.case and not two.both:
            assert also_there(line.here) == [], "no page says that both handle it"
