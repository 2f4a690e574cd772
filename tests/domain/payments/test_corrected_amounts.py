"""A feed corrects the amount of a payment that a person reported: what was booked of it before is limited to it."""

import pytest

from schemas.casework.acts import LossAvoidedClaim
from schemas.casework.books import BookLine
from schemas.casework.cases import Payment
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState
from schemas.codes.money import MoneyFrozen, MoneyLost
from schemas.levels import EvidenceClass, Level, Outcome
from schemas.risk.signals import TransferState
from tests.domain.builders import Line, payment
from tests.domain.casework.test_payment_reports import ORDERED, report

STATED, REAL = 1_000_000, 100_000
NAME = ORDERED.transfer


def reported() -> Line:
    """The victim says ¥10,000 and reads out the payment's number, 77."""
    line = Line()
    said = ORDERED.reported
    assert said is not None
    report(line, ORDERED.model_copy(update={"reported": said.model_copy(update={"reference": "77"})}))
    assert [each.amount_fen for each in line.here.payments] == [STATED]
    return line


def delivered(line: Line) -> None:
    """The feed says that payment 77 was of ¥1,000."""
    line.alert(Level.RED, fed())
    assert [(each.transfer, each.amount_fen) for each in line.here.payments] == [(NAME, REAL)]


def fed() -> Payment:
    return payment("bank:77", REAL, TransferState.SETTLED, ORDERED.payee, ORDERED.at)


def lost(line: Line) -> int:
    return sum(lines.get(BookLine.LOST, 0) for lines in line.here.booked.values())


@pytest.mark.parametrize("feed_first", [True, False])
def test_no_more_is_lost_than_was_paid_whether_the_feed_or_the_victim_is_first(feed_first: bool) -> None:
    line = reported()
    if feed_first:
        delivered(line)
    line.victim(STATED, NAME)
    if not feed_first:
        delivered(line)
    assert ([loss.amount_fen for loss in line.here.losses], lost(line)) == ([REAL], REAL)
    assert line.facts(FactKind.LOST)[-1] == MoneyLost(REAL)


def test_no_more_is_frozen_and_given_back_than_was_paid() -> None:
    line = reported()
    for state in (BankState.FROZEN, BankState.RETURNED):
        line.bank(state, NAME, STATED)
    delivered(line)
    case = line.here
    assert (case.frozen[NAME], case.returned[NAME]) == (REAL, REAL)
    assert (case.kept[NAME].evidence, case.kept[NAME].amount_fen) == (EvidenceClass.A, REAL)
    assert line.facts(FactKind.FROZEN)[-1] == MoneyFrozen(REAL)


def test_a_loss_without_a_payment_stays() -> None:
    line = reported()
    line.victim(STATED)
    delivered(line)
    assert [loss.amount_fen for loss in line.here.losses] == [STATED]


def test_a_claim_on_another_payment_stays() -> None:
    line = reported()
    other = payment("bank:2", payee="a2", state=TransferState.ATTEMPTED)
    line.alert(Level.RED, other)
    claim = LossAvoidedClaim(transfer="bank:2", evidence=EvidenceClass.C, amount_fen=other.amount_fen)
    line.outcome(Outcome.NOT_PERSUADED, kept=[claim])
    delivered_with = line.alert(Level.RED, other, fed())
    assert line.here.kept["bank:2"].amount_fen == other.amount_fen
    assert not [fact for fact in delivered_with.facts if fact.kind is FactKind.KEPT]
