"""A reason that names a payment says what has become of it."""

from domain.desk.payment_reasons import reasons_now
from domain.payments.status import PaymentStatus
from schemas.casework.cases import Case, Payment, Stop, StopState
from schemas.codes.danger import OngoingCall, PaymentMade, PaymentUnderWay
from schemas.levels import Level
from schemas.risk.evidence import EvidenceKind
from tests.domain.builders import NOON, danger, payment
from tests.domain.casework.test_triage import case

PAYS = PaymentUnderWay(EvidenceKind.NEW_PAYEE, 180_000, NOON)
PAID = PaymentMade(EvidenceKind.SUSPECT_PAYEE, 90_000, NOON)
MADE = PaymentMade(EvidenceKind.NEW_PAYEE, 180_000, NOON)
TALKS = OngoingCall(EvidenceKind.CALL_GOIP, NOON)
RETURNED, IN_FORCE, REFUSED = (Stop(state=each) for each in (StopState.RETURNED, StopState.IN_FORCE, StopState.REFUSED))


def paid(name: str, amount: int, stop: Stop | None = None) -> Payment:
    return payment(name, amount=amount).model_copy(update={"stop": stop})


def with_reasons(*payments: Payment) -> Case:
    return case(Level.RED, payments=list(payments), danger=danger(Level.RED, of=[PAYS, PAID, TALKS]))


def told(*payments: Payment) -> list[tuple[object, PaymentStatus | None]]:
    return [(each.reason, each.status) for each in reasons_now(with_reasons(*payments))]


def test_a_payment_that_is_back_is_the_last_reason_and_says_so() -> None:
    found = told(paid("bank:1", 180_000, RETURNED), paid("bank:2", 90_000))
    assert found == [(PAID, None), (TALKS, None), (MADE, PaymentStatus.RETURNED)]


def test_a_stopped_payment_says_so_in_its_place() -> None:
    assert told(paid("bank:2", 90_000, IN_FORCE))[1] == (PAID, PaymentStatus.STOPPED)


def test_a_payment_that_was_under_way_is_told_as_made_once_it_is_stopped() -> None:
    assert told(paid("bank:1", 180_000, IN_FORCE))[0] == (MADE, PaymentStatus.STOPPED)


def test_of_two_equal_payments_the_one_at_risk_counts() -> None:
    found = told(paid("bank:1", 180_000, RETURNED), paid("bank:2", 180_000, REFUSED))
    assert found == [(PAYS, None), (PAID, None), (TALKS, None)]
    assert told(paid("bank:1", 180_000, RETURNED), paid("bank:2", 180_000, IN_FORCE))[0] == (
        MADE,
        PaymentStatus.STOPPED,
    )


def test_a_payment_that_only_evidence_knows_is_at_risk() -> None:
    assert told() == [(PAYS, None), (PAID, None), (TALKS, None)]
