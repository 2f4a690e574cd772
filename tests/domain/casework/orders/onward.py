"""A case whose payment has arrived, and what banks state about where its money went."""

from domain.casework import Rules
from schemas.casework.cases import Case
from schemas.casework.inputs import BankFeedback, BankState
from schemas.casework.movements import OnwardMovement
from schemas.casework.orders import OrderState, StopOrder
from schemas.levels import Level
from schemas.risk.signals import TransferState
from tests.domain.builders import payment, policy
from tests.domain.casework.journal import Journal
from tests.domain.casework.test_movements import answer, moved

B1, C1 = "b:traced-1-0", "c:traced-1-1"
FIRST_HOP = moved("a1", "b1", 600_000, 3)


def paid() -> Journal:
    """A red case whose payment of ¥10,000 has reached a1; the desk decides nothing by itself."""
    line = Journal()
    line.approves = False
    line.alert(Level.RED, payment(amount=1_000_000, state=TransferState.SETTLED))
    return line


def with_rules(line: Journal, **trace: object) -> None:
    changed = policy().model_copy(update={"trace": policy().trace.model_copy(update=trace)})
    line.rules = Rules(changed)


def onward(case: Case) -> list[StopOrder]:
    traced = {each.transfer for each in case.traced}
    return [order for order in case.orders if order.transfer in traced]


def of_account(case: Case, token: str) -> list[StopOrder]:
    return [order for order in case.orders if order.payee == token]


def states(line: Journal, token: str) -> list[OrderState]:
    return [order.state for order in of_account(line.here, token)]


def told(
    line: Journal, transfer: str, state: BankState, *movements: OnwardMovement, fen: int = 0, step: str = "none"
) -> BankFeedback:
    return answer(line, *movements, name=f"{transfer}:{state}:{len(line.decisions)}", transfer=transfer).model_copy(
        update={"state": state, "amount_fen": fen, "dispatch": f"{line.here.id}:{step}:1:payment"}
    )
