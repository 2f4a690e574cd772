"""Hand-overs in the simulation: the other province takes, denies, answers nonsense; a worse product is found out."""

from collections.abc import Iterator, Sequence

import pytest

import domain.casework.provinces.offers
from schemas.casework.cases import Case, CaseState
from schemas.casework.provinces import OfferState
from tests.simulation.check import broken_by
from tests.simulation.laws.known import known
from tests.simulation.mutations import mutated
from tests.simulation.run import Ran, run
from tests.simulation.schedule import Schedule, Step
from tests.simulation.simulated import worker

THEIRS = Step(2.2, "report", {"kind": "take_over", "who": 0, "n": 1})
"""The other province hands the same resident over, while the first request is under way: that offer goes before."""


@pytest.fixture(scope="module", autouse=True)
def simulated() -> Iterator[None]:
    """The clients, the clocks and chance are the simulation's."""
    with worker.simulated():
        yield


def offered(*faults: str, reports: Sequence[Step] = ()) -> Schedule:
    """Return a schedule in which a red case is offered to the other province.

    `faults`: what happens to the first requests to that province, in order; `reports`: further steps, after the offer.
    A note at 16 s keeps the run going until then.
    """
    call, pays = {"kind": "ongoing", "who": 0, "n": 1}, {"kind": "transfer", "who": 0, "payee": 200, "n": 2}
    steps = (
        Step(0.5, "signals", {"signals": [call, pays]}),
        Step(0.6, "provider", {"channel": "province", "faults": list(faults)}),
        Step(2.0, "report", {"kind": "offer_case", "who": 0, "n": 1}),
        *reports,
        Step(16.0, "report", {"kind": "note", "who": 0, "n": 1}),
    )
    promises = dict.fromkeys(("sms", "phone", "visit", "payment"), "idempotent")
    return Schedule(1, 2, 0.0, True, promises, steps)


def case_of(ran: Ran) -> Case:
    (story,) = known(ran.observed).stories.values()
    return story[-1].what.case


def test_a_case_that_is_taken_ends_here() -> None:
    ran = run(offered())
    assert not broken_by(ran)
    assert case_of(ran).state is CaseState.HANDED_OVER
    assert len(ran.observed.taken_there) == 1


def test_a_case_that_is_refused_goes_on_here() -> None:
    ran = run(offered("refuses"))
    assert not broken_by(ran)
    assert case_of(ran).offers[0].state is OfferState.REFUSED
    assert case_of(ran).state is not CaseState.HANDED_OVER
    assert not ran.observed.taken_there


def test_an_answer_that_nobody_can_read_is_asked_for_again() -> None:
    ran = run(offered("garbled", "hang_after"))
    assert not broken_by(ran)
    assert len(ran.observed.told_there) == 3
    assert case_of(ran).state is CaseState.HANDED_OVER


def test_an_offer_that_gave_way_and_was_taken_all_the_same_is_known_once_the_question_is_answered() -> None:
    ran = run(offered("hang_after", reports=[THEIRS]))
    assert not broken_by(ran)
    assert [each.state for each in case_of(ran).offers] == [OfferState.LATE]


def test_nobody_asks_about_an_offer_that_gave_way_once_a_later_one_is_taken() -> None:
    again = Step(8.0, "report", {"kind": "offer_case", "who": 0, "n": 2})
    ran = run(offered("hang_after", "away", reports=[THEIRS, again]))
    assert not broken_by(ran)
    assert [each.state for each in case_of(ran).offers] == [OfferState.REFUSED, OfferState.ACCEPTED]
    assert case_of(ran).state is CaseState.HANDED_OVER


def test_an_offer_that_gave_way_and_was_never_asked_about_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domain.casework.provinces.offers, "_ask", lambda *_: None)
    assert "and never refused it" in broken_by(run(offered("hang_after", reports=[THEIRS])))["offered_once"]


def test_an_offer_that_gave_way_and_stays_refused_though_the_question_was_answered_would_be_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(domain.casework.provinces.offers, "_taken", lambda *_: None)
    assert "and never refused it" in broken_by(run(offered("hang_after", reports=[THEIRS])))["offered_once"]


def test_an_offer_that_had_another_name_in_each_attempt_would_be_found() -> None:
    with mutated("offer_named_anew"):
        broken = broken_by(run(offered()))
    assert "offered_once" in broken
