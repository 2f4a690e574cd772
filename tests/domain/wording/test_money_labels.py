"""A stop-payment (止付, 48 hours) and a freeze (冻结, by an authority's decision) are never called by the same word."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from domain.casework.machine import _TIMERS
from domain.payments.status import PaymentStatus
from domain.wording import labels
from domain.wording.catalogue import translate_to
from domain.wording.money_labels import BANK_STATES, ORDER_STATES, PAYMENTS, STOP_STATES
from schemas.casework.cases import Step, StepState, StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState
from schemas.casework.orders import OrderState
from schemas.levels import Action

STOP = {"zh": "止付", "en": r"\bstop", "ko": "지불정지"}
FREEZE = {"zh": "冻结", "en": r"fr[eo]+z", "ko": "동결"}
FROZEN = [StopState.FROZEN, BankState.FROZEN, PaymentStatus.FROZEN, OrderState.HANDED_OVER, FactKind.FROZEN]
ENDED = [BankState.UNFROZEN, PaymentStatus.UNFROZEN, FactKind.UNFROZEN]  # of a freeze
OF_A_STOP = [
    *(StopState.ASKED, StopState.IN_FORCE, StopState.EXPIRED, StopState.RELEASED, BankState.IN_FORCE),
    *(BankState.RELEASED, PaymentStatus.STOPPED, PaymentStatus.STOP_ASKED, PaymentStatus.STOP_REFUSED),
    *(PaymentStatus.STOP_EXPIRED, PaymentStatus.STOP_RELEASED, FactKind.STOP, FactKind.STOP_REMINDER),
]
TABLES: dict[str, Mapping[Any, str]] = {
    "stops": STOP_STATES,
    "answers": BANK_STATES,
    "payments": PAYMENTS,
    "orders": ORDER_STATES,
    "facts": labels.FACTS,
}


@pytest.mark.parametrize("language", ["zh", "en", "ko"])
@pytest.mark.parametrize("table", TABLES)
def test_only_what_is_frozen_is_called_frozen_and_only_a_stop_a_stop(table: str, language: str) -> None:
    say = translate_to(language)
    for state, label in TABLES[table].items():
        said = say(label)
        of_stop, of_freeze = (any(each is state for each in states) for states in (OF_A_STOP, [*FROZEN, *ENDED]))
        assert bool(re.search(FREEZE[language], said, re.I)) is of_freeze, said
        if of_stop or of_freeze:
            assert bool(re.search(STOP[language], said, re.I)) is of_stop, said


@pytest.mark.parametrize(("language", "over"), [("zh", "解除"), ("en", "ended"), ("ko", "해제")])
def test_the_end_of_a_freeze_is_told_from_a_freeze(language: str, over: str) -> None:
    say = translate_to(language)
    for table in TABLES.values():
        for state, label in table.items():
            if any(each is state for each in [*FROZEN, *ENDED]):
                assert (over in say(label)) is any(each is state for each in ENDED), label


def test_a_banks_word_that_it_has_frozen_money_is_told_from_a_recorded_decision() -> None:
    assert BANK_STATES[BankState.FROZEN] != PAYMENTS[PaymentStatus.FROZEN]
    assert BANK_STATES[BankState.FROZEN].startswith("银行")


def test_each_timer_but_a_stops_has_a_label_of_its_own() -> None:
    steps = [
        Step(id=f"{prefix}x", action=Action.STOP_AGAIN, state=StepState.PENDING, due=None)
        for prefix in (*_TIMERS, "clock.stop.")
    ]
    *found, stop = map(labels.of_step, steps)
    assert stop not in found
    assert len(set(found)) == len(found) > 4
