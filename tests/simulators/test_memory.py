"""What is kept in memory says what Redis says: who paid a suspect, how long that is known, and how he stands."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.risk.fan_out import LATE
from schemas.risk.evidence import Payer, WatchEntry, WatchStatus
from schemas.risk.signals import TransferState
from simulators.world.memory import Register, Suspects, finished
from streams.screening.store import Paid
from tests.domain.builders import policy
from tests.streams.screening.screening_line import ANNA, BERT, NOW, resident

RULES = policy().risk
WINDOW, HOUR = RULES.money.window, timedelta(hours=1)
KEPT = WINDOW + LATE


def paid(at: datetime, transfer: str = "t1", who: str = ANNA) -> Paid:
    return "mule", Payer(who, transfer, at, "signals", 0, 0, 3_200_000, None, TransferState.SETTLED)


def confirmed(at: datetime, standing: WatchStatus = WatchStatus.CONFIRMED, uid: str = "w") -> WatchEntry:
    return WatchEntry(subject="account:mule", standing=standing, at=at, uid=uid)


def keep(suspects: Suspects, now: datetime, *payments: Paid) -> None:
    finished(suspects.watch(payments, [], [], RULES, now))


def payers(suspects: Suspects, at: datetime, now: datetime) -> Sequence[str]:
    """Who is told of when the payee is confirmed as of `at`."""
    _, (fanned,) = finished(suspects.watch([], [], [confirmed(at)], RULES, now))
    return [payer.transfer for payer in fanned.payers if isinstance(payer, Payer)]


def test_who_paid_within_the_policys_window_before_the_payee_is_confirmed_is_told_of_the_oldest_first() -> None:
    suspects = Suspects()
    keep(suspects, NOW, paid(NOW - HOUR, "late"), paid(NOW - WINDOW, "just"), paid(NOW - WINDOW - HOUR, "old"))
    assert payers(suspects, NOW, NOW) == ["just", "late"]


def test_a_payment_that_is_read_again_is_one() -> None:
    suspects = Suspects()
    keep(suspects, NOW, paid(NOW), paid(NOW))
    assert payers(suspects, NOW, NOW) == ["t1"]


def test_a_payee_who_was_dangerous_long_ago_brings_up_what_was_paid_then_as_long_as_somebody_pays_him() -> None:
    """Each new payment takes with it what is older than is kept; who is paid no more is forgotten in the same time."""
    suspects = Suspects()
    keep(suspects, NOW, paid(NOW, "first"))
    later = NOW + KEPT - HOUR
    assert payers(suspects, NOW, later) == ["first"]
    assert payers(suspects, NOW, NOW + KEPT) == []
    keep(suspects, later, paid(later, "second"))
    assert payers(suspects, NOW, NOW + KEPT) == ["first", "second"]
    keep(suspects, NOW + KEPT + HOUR, paid(NOW + KEPT + HOUR, "third"))
    assert payers(suspects, NOW, NOW + KEPT + HOUR) == ["second", "third"]


def test_a_payment_said_to_be_of_next_week_does_not_make_todays_old() -> None:
    suspects = Suspects()
    keep(suspects, NOW, paid(NOW, "today"), paid(NOW + timedelta(days=7), "next week"))
    assert payers(suspects, NOW, NOW) == ["today", "next week"]


def test_a_payment_that_comes_late_is_kept_as_long_as_it_may_be_asked_for() -> None:
    suspects = Suspects()
    keep(suspects, NOW, paid(NOW - KEPT, "in time"), paid(NOW - KEPT - HOUR, "too late"))
    assert payers(suspects, NOW - LATE, NOW) == ["in time"]


def test_a_report_does_not_outweigh_a_decision_and_of_two_decisions_of_one_moment_the_lifting_stands() -> None:
    suspects = Suspects()
    said = [
        confirmed(NOW, uid="confirmed"),
        confirmed(NOW + HOUR, WatchStatus.REPORTED, "reported"),
        confirmed(NOW, WatchStatus.LIFTED, "lifted"),
        confirmed(NOW, uid="confirmed again"),
    ]
    _, fanned = finished(suspects.watch([], [], said, RULES, NOW))
    assert [each.entry.uid for each in fanned] == ["confirmed", "confirmed", "lifted", "lifted"]
    assert [each.before and each.before.uid for each in fanned] == [None, "confirmed", "confirmed", "lifted"]


def test_who_was_merged_into_another_is_found_as_him_and_who_leads_in_a_circle_as_nobody() -> None:
    anna, bert = resident(ANNA), resident(BERT)
    merged = Register([anna.model_copy(update={"merged_into": BERT}), bert])
    assert finished(merged.standing([ANNA, BERT])) == {ANNA: bert, BERT: bert}
    circle = Register([anna.model_copy(update={"merged_into": BERT}), bert.model_copy(update={"merged_into": ANNA})])
    assert finished(circle.standing([ANNA])) == {}
