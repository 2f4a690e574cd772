"""Whether an entry of the watchlist alerts who paid before, or a person is asked first."""

from datetime import timedelta

import pytest

from domain.policy.risk import MOST_WITHOUT_ASKING
from domain.risk import about_payer
from domain.risk.fan_out import EarlierPayments, answered, entered, since, too_many
from schemas.risk.evidence import Payer, WatchEntry, WatchStatus
from schemas.risk.signals import TransferState
from tests.domain.risk.riskworld import LIFTED, NOW, PAYEE, REPORTED, RULES, SUSPECT

MANY = EarlierPayments(RULES.payers_without_asking + 1, RULES.payers_without_asking + 1)
FEW = EarlierPayments(3, 0)


def later(entry: WatchEntry, uid: str = "w2", minutes: int = 1, **more: object) -> WatchEntry:
    return entry.model_copy(update={"at": entry.at + timedelta(minutes=minutes), "uid": uid, **more})


def asking(entry: WatchEntry = SUSPECT) -> WatchEntry:
    return entered(entry, None, MANY, RULES, NOW)


def paid(ago: timedelta) -> Payer:
    return Payer("r1", "bank:t1", NOW - ago, "signals", 0, 0, 100, None, TransferState.SETTLED)


@pytest.mark.parametrize(
    ("paid", "many"),
    [
        (EarlierPayments(RULES.payers_without_asking, 0), False),
        (EarlierPayments(RULES.payers_without_asking + 1, RULES.payers_without_asking), False),
        (MANY, True),
        (EarlierPayments(MOST_WITHOUT_ASKING + 1, 0), True),
    ],
)
def test_a_person_is_asked_about_more_payers_than_the_policy_says(paid: EarlierPayments, many: bool) -> None:
    assert too_many(paid, RULES) is many


def test_while_a_person_is_asked_only_later_payments_are_evidence() -> None:
    waits = asking()
    assert about_payer(paid(timedelta(minutes=1)), PAYEE, waits, RULES) == []
    assert about_payer(paid(timedelta(minutes=-1)), PAYEE, waits, RULES) != []
    assert since(waits, RULES) == NOW
    assert since(SUSPECT, RULES) == SUSPECT.at - RULES.money.window


def test_an_entry_that_repeats_another_inherits_its_question_and_the_answer() -> None:
    waits = asking()
    assert waits.asked is not None
    repeated = entered(later(SUSPECT), waits, MANY, RULES, NOW + timedelta(hours=1))
    assert repeated.asked == waits.asked
    refused = answered(repeated, waits.asked.id, alert=False)
    again = entered(later(SUSPECT, "w3", 2), refused, MANY, RULES, NOW + timedelta(hours=2))
    assert again.asked is not None
    assert again.asked.refused


def test_who_was_told_is_not_asked_about_again_by_what_repeats_the_entry() -> None:
    assert entered(later(SUSPECT), SUSPECT, MANY, RULES, NOW).asked is None


def test_a_graver_entry_asks_anew_and_lifting_asks_nobody() -> None:
    reported = asking(REPORTED)
    confirmed = entered(later(SUSPECT), reported, MANY, RULES, NOW)
    assert reported.asked is not None
    assert confirmed.asked is not None
    assert confirmed.asked.id != reported.asked.id
    assert entered(LIFTED, confirmed, MANY, RULES, NOW).asked is None


def test_an_older_entry_changes_nothing() -> None:
    waits = asking()
    assert entered(later(SUSPECT, minutes=-1), waits, FEW, RULES, NOW) is waits


def test_the_first_answer_stays() -> None:
    waits = asking()
    assert waits.asked is not None
    assert answered(waits, waits.asked.id, alert=True).asked is None
    assert answered(waits, "another", alert=True) is waits
    refused = answered(waits, waits.asked.id, alert=False)
    assert answered(refused, waits.asked.id, alert=True) is refused
    assert refused.standing is WatchStatus.CONFIRMED
