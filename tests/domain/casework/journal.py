"""A resident's case with the journal that it leaves: an event for each input that meant something."""

from domain.casework import Decision
from schemas.casework.events import CaseEvent
from schemas.casework.inputs import BankFeedback, CaseInput
from schemas.channels.bank_messages import BankMessage
from schemas.levels import Level
from tests.domain.builders import Line, commit_of, payment


class Journal(Line):
    """As Line; `events` holds what its journal would, `messages` what the banks have sent."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[CaseEvent] = []
        self.messages: list[BankMessage] = []

    def decide(self, given: CaseInput) -> Decision:
        decision = super().decide(given)
        if decision.case is not None and decision.facts:
            self.events.append(
                CaseEvent(
                    commit=commit_of(len(self.decisions)),
                    id=f"{decision.case.id}/{given.id}",
                    input=given.id,
                    input_kind=given.kind,
                    partition=0,
                    offset=len(self.decisions),
                    at=given.at,
                    case=decision.case,
                    facts=decision.facts,
                    dispatches=decision.dispatches,
                )
            )
        if isinstance(given, BankFeedback):
            self.messages.append(message(given))
        return decision


def message(given: BankFeedback) -> BankMessage:
    """The bank's message that an input was made of."""
    return BankMessage(
        id=given.id,
        at=given.at,
        resident=given.resident,
        case=given.case,
        dispatch=given.dispatch,
        receipt=f"r-{given.id}",
        transfer=given.transfer,
        state=given.state,
        amount_fen=given.amount_fen,
        until=given.until,
    )


def red_with_money(amount: int = 1_000_000) -> Journal:
    """A red case with a payment under way."""
    line = Journal()
    line.alert(Level.RED, payment(amount=amount))
    return line
