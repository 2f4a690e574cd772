"""The index of freezes that need a person: a commit adds, moves and removes its entries."""

from domain.payments.freezes import REMINDED
from schemas.casework.cases import Case
from schemas.casework.inputs import BankState
from schemas.casework.orders import EndFreezeAct
from streams.state.keys import FREEZES, milliseconds
from streams.state.store_update import StoreUpdate
from tests.domain.casework.orders.test_end_of_a_freeze import END
from tests.domain.casework.orders.test_running_freezes import AGAIN, DAY, DESK, WHOLE, handed_over


def written(before: Case | None, after: Case) -> list[tuple[str, tuple[object, ...]]]:
    change = StoreUpdate()
    change.latest(before, after)
    return [(command, arguments) for command, name, arguments in change.commands if name == FREEZES]


def test_a_freeze_is_in_the_index_from_its_record_to_its_end_and_a_renewal_moves_it() -> None:
    line = handed_over(WHOLE)
    frozen = line.here
    freezing = frozen.orders[0].freezing
    assert freezing is not None
    member = f"{frozen.id}|stop.0|{frozen.profile.division}"
    assert written(None, frozen) == [("ZADD", (milliseconds(freezing.until - REMINDED), member))]
    line.act(AGAIN.model_copy(update={"until": freezing.until + 30 * DAY}), "sun", role=DESK)
    renewed = line.here
    assert written(frozen, renewed) == [("ZADD", (milliseconds(freezing.until + 23 * DAY), member))]
    line.bank(BankState.FROZEN, amount=WHOLE)
    assert written(renewed, line.here) == []
    line.act(EndFreezeAct(order="stop.0", decision=END), "zhou", role=DESK)
    assert written(renewed, line.here) == [("ZREM", (member,))]
