"""The story that the wall tells: whose it is, what is in it, and what never is."""

from datetime import timedelta

from domain.desk.saved import MOST, avoided, saved_case, scenes
from schemas.casework.acts import ClaimAct, NoteAct, OutcomeAct
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState
from schemas.levels import EvidenceClass, Outcome, OutcomeGround
from tests.domain.builders import NOON
from tests.domain.casework.journal import Journal, red_with_money


def saved(amount: int = 1_000_000, ground: OutcomeGround | None = None) -> Journal:
    """A resident whose payment the bank returned, and who was dissuaded: in a talk, if no other ground is stated."""
    line = red_with_money(amount)
    line.pass_to(timedelta(minutes=2))
    line.bank(BankState.RETURNED, amount=amount)
    line.act(ClaimAct(do="claim"))
    if ground is None:
        line.act(NoteAct(do="note", what="conversation", note=""))
    line.act(OutcomeAct(outcome=Outcome.DISSUADED, ground=ground))
    return line


def told(line: Journal) -> list[tuple[object, ...]]:
    return [scene[1:] for scene in scenes(line.here, [(event.at, event.facts) for event in line.events])]


def test_who_kept_most_by_evidence_is_the_story() -> None:
    little, much = saved(1000).here, saved(900_000).here
    assert avoided(much) > avoided(little) > 0
    other = little.model_copy(update={"id": f"{little.resident}-2", "number": 2})
    assert saved_case([other, much], NOON + timedelta(hours=1)) == much


def test_an_estimate_saves_nobody_for_the_wall() -> None:
    line = saved()
    estimated = {name: entry.model_copy(update={"evidence": EvidenceClass.D}) for name, entry in line.here.kept.items()}
    case = line.here.model_copy(update={"kept": estimated})
    assert saved_case([case], line.now) is None


def test_a_statement_that_somebody_is_safe_is_no_story() -> None:
    line = saved(ground=OutcomeGround.RELATIVE)
    assert line.here.outcome is Outcome.DISSUADED
    assert saved_case([line.here], line.now) is None


def test_yesterday_s_story_is_not_today_s() -> None:
    line = saved()
    assert saved_case([line.here], line.now) == line.here
    assert saved_case([line.here], line.now + timedelta(days=2)) is None


def test_the_story_begins_with_the_warning_and_ends_with_the_money() -> None:
    kinds = [scene[0] for scene in told(saved())]
    assert kinds[0] is FactKind.OPENED
    assert kinds[-2:] == [FactKind.STATE, FactKind.KEPT]
    assert len(kinds) <= MOST


def test_nothing_that_a_person_wrote_is_in_it() -> None:
    line = saved()
    line.act(NoteAct(do="note", what="note", note="王某的账号是 6222"))
    assert FactKind.NOTE not in [scene[0] for scene in told(line)]
    assert not [value for scene in told(line) for value in scene if isinstance(value, str) and "王" in value]


def test_what_is_said_twice_is_told_once() -> None:
    found = told(saved())
    assert len(found) == len(set(found))
