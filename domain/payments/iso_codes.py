"""The codes and units of ISO 20022 messages, and their meaning in Quanzu."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from domain.identity.identifiers import BEIJING
from schemas.casework.inputs import BankState
from schemas.risk.signals import TransferState

LONGEST_ID = 35  # characters of an id in these messages (Max35Text)
NOT_PROVIDED = "NOTPROVIDED"  # what a bank writes as end-to-end id if its customer gave none
CURRENCY = "CNY"

PENDING = ("RCVD", "ACTC", "ACCP", "ACFC", "ACSP", "ACWC", "ACWP", "PDNG", "PATC")
SETTLED = ("ACSC", "ACCC")
FAILED = ("RJCT", "CANC", "BLCK")

_STATES: Mapping[str, TransferState] = {
    **dict.fromkeys(PENDING, TransferState.PENDING),
    **dict.fromkeys(SETTLED, TransferState.SETTLED),
    **dict.fromkeys(FAILED, TransferState.ATTEMPTED),
}

HELD, FROZEN = "HELD", "FRZN"
"""What a bank writes as reason of a pending cancellation: the payee's account is stopped, or frozen."""

HOLDS: Mapping[str, BankState] = {HELD: BankState.IN_FORCE, FROZEN: BankState.FROZEN}
RESOLVED: Mapping[str, BankState] = {
    "ACCR": BankState.CANCELLED,
    "CNCL": BankState.CANCELLED,
    "RJCR": BankState.REFUSED,
}


def transfer_state(status: str) -> TransferState:
    """Return the state of a payment from its status in pacs.002 (ExternalPaymentTransactionStatus1Code): PENDING,
    SETTLED or ATTEMPTED.

    A payment that was rejected, cancelled or blocked has the state ATTEMPTED. Raises ValueError for an unknown status.
    """
    if status not in _STATES:
        raise ValueError(f"no status known here: write one of {', '.join(_STATES)}")
    return _STATES[status]


def bank_state(status: str, reason: str) -> BankState:
    """Return the bank's answer to a cancellation request. `status`: TxCxlSts, or Conf of the whole message.

    `reason`: the code of the status reason, or "". A pending cancellation (PDCR) is an answer only if its reason says
    that the account is stopped (HELD) or frozen (FRZN): otherwise no money may be shown as held. A partial cancellation
    (PECR) is no answer, because the rest can still be stopped but a cancelled payment cannot. Raises ValueError in
    these cases, and for an unknown status.
    """
    if status == "PECR":
        raise ValueError(f"PECR says that a part was cancelled: write PDCR with {HELD} or {FROZEN} for the rest")
    if status == "PDCR":
        if reason not in HOLDS:
            raise ValueError(f"PDCR needs the reason {HELD} or {FROZEN}: without one nothing is decided yet")
        return HOLDS[reason]
    if status not in RESOLVED:
        raise ValueError(f"no answer to a cancellation: write PDCR, {', '.join(RESOLVED)}")
    return RESOLVED[status]


def order_state(status: str) -> BankState:
    """Return a bank's answer about an order from its status in pacs.002: PENDING or REFUSED.

    Raises ValueError for another status: that the account is stopped, frozen or the payment cancelled is for a camt.029
    to say, because a status has no amount and no reason of a hold.
    """
    if status in PENDING:
        return BankState.PENDING
    if status == "RJCT":
        return BankState.REFUSED
    raise ValueError(f"no status of an order: write RJCT or one of {', '.join(PENDING)}; a decision is for camt.029")


def fen_of(amount: str, currency: str) -> int:
    """Return an amount of an ISO 20022 message in fen. `amount`: a decimal number, as the message's schema requires;
    validate the message first.

    Raises ValueError if the currency is not CNY or the amount has fractions of a fen; the error text does not contain
    the amount. Without that validation, a text that is no finite number raises ArithmeticError or ValueError.
    """
    if currency != CURRENCY:
        raise ValueError(f"the currency is not {CURRENCY}")
    fen = Decimal(amount.strip()).scaleb(2)
    if fen != fen.to_integral_value():
        raise ValueError("the amount has fractions of a fen")
    return int(fen)


def decimal_yuan(fen: int) -> str:
    """Return an amount in yuan with two decimals, without separators: 123450 fen are "1234.50". The amount must not be
    negative.
    """
    return f"{fen // 100}.{fen % 100:02}"


def at(text: str) -> datetime:
    """Return the time in a text of a message (ISODateTime), with its offset. A time without an offset is Beijing time
    (UTC+8).

    Raises ValueError if the text is not a time; the error text does not contain it.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("no time between 00:00 and 23:59 of a day of the years 1 to 9999") from None
    return found if found.tzinfo else found.replace(tzinfo=BEIJING)


def reference(dispatch: str) -> str | None:
    """Return the case id that a message to a bank about this dispatch contains: the dispatch's id without its first `r`
    and its end `:payment`. None if this is longer than 35 characters.

    The bank's answer contains it, and `dispatch_of` turns it back into the dispatch's id.
    """
    short = dispatch.removeprefix("r").removesuffix(":payment")
    return short if len(short) <= LONGEST_ID else None


def dispatch_of(given: str) -> str:
    """Return the id of the dispatch from which `reference` made `given`. The form of `given` is not checked."""
    return f"r{given}:payment"


def named_id(end_to_end: str) -> str:
    """Return the payment's end-to-end id if a message can carry it: it has at most 35 characters and is not
    NOTPROVIDED. Else return "".
    """
    return end_to_end if len(end_to_end) <= LONGEST_ID and end_to_end != NOT_PROVIDED else ""


def source_of(bic: str | None, member: str | None) -> str | None:
    """Return the source name of a bank's payments: the first eight characters of its BIC in lower case.

    Without a BIC, "cnaps-" and the bank's number in the payment system (`member`); None if neither is given or valid.
    """
    if bic:
        return bic[:8].lower()
    if member and member.isascii() and member.isalnum() and len(member) <= 20:
        return f"cnaps-{member.lower()}"
    return None
