"""After the dispatch log lost an order about the resident's own account, only the bank that has the hold answers."""

import pytest

from domain.dispatches.ids import parse
from domain.payments.institutions import Institutions
from schemas.levels import Action
from streams.channels.signatures import AnotherBanksError, asked_bank
from tests.domain.builders import NOON
from tests.domain.casework.own_account.holdworld import held, lift, ordered

NONE = Institutions(NOON.date(), {})


def test_the_bank_that_has_confirmed_the_hold_is_the_one_that_was_asked() -> None:
    line = held()
    lift(line)
    for out in (line.last(Action.HOLD_OUTGOING), line.last(Action.LIFT_HOLD)):
        assert asked_bank(None, line.here, parse(out.id), NONE) == "icbc"


def test_no_bank_answers_for_a_hold_whose_bank_is_unknown() -> None:
    line = ordered()
    with pytest.raises(AnotherBanksError, match="not known"):
        asked_bank(None, line.here, parse(line.last(Action.HOLD_OUTGOING).id), NONE)
