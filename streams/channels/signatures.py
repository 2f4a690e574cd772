"""Who signed a receipt: a channel's provider, or one of the banks, each with its own key."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.casework.payments import find, with_traced
from domain.dispatches.ids import DispatchId
from domain.payments.institutions import Institutions
from schemas.casework.cases import Case, Payment, Step
from streams.channels.dispatch_log import Entry
from streams.channels.signing import SignedMessage, verify
from streams.runtime import metrics
from streams.security.secrets import bank_signer


class AnotherBanksError(PermissionError):
    """Raised if an answer to an order is not signed by the bank that it went to."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A valid signature. `by`: whose key it was made with, as in QUANZU_RECEIPTS_SECRET."""

    nonce: str
    by: str


class Signatures:
    """Verifies receipts. `keys`: by signer, the current one first."""

    def __init__(self, keys: Mapping[str, tuple[bytes, ...]]) -> None:
        self._keys = keys

    def verify(self, headers: Mapping[str, str], message: SignedMessage, wall: float) -> Signed:
        """Return the message's nonce, and who signed it: the channel's provider, or a bank if it is theirs.

        Counts signatures with a former key. Raises SignatureError as signing.verify does.
        """
        signers = [name for name in self._keys if name.partition("/")[0] == message.channel]
        keys = [(name, former, key) for name in signers for former, key in enumerate(self._keys[name])]
        found = verify([key for _, _, key in keys], headers, message, wall)
        by, former, _ = keys[found.key]
        if former:
            metrics.RECEIPTS_BEFORE.inc()
        return Signed(found.nonce, by)

    def check_bank(self, signed: Signed, bank: str) -> None:
        """Raise AnotherBanksError if the order went to `bank` and another bank, or the gateway, has signed the answer.

        An order for no bank of the table ("") is answered by whichever the gateway found.
        """
        if bank and signed.by != bank_signer(bank):
            raise AnotherBanksError("this order went to a bank, and its answer is not signed with that bank's key")


def asked_bank(entry: Entry | None, case: Case | None, dispatch: DispatchId, table: Institutions) -> str:
    """Return the code of the bank that an order went to: by the dispatch log, or by the case if the log lost it; "" if
    that is unknown.
    """
    if entry is not None and entry.bank:
        return entry.bank
    step = _step(case, dispatch)
    return _bank_of(find(case, step.transfer), table) if case and step else ""


def other_bank(case: Case | None, dispatch: DispatchId, transfer: str, table: Institutions) -> str:
    """Return the code of the bank of the transfer that an answer names, if the order was about another one; else, or if
    that is unknown, "".

    A case may have orders to several banks. With its own order's id, a bank could otherwise answer for all of them.
    """
    step = _step(case, dispatch)
    known = with_traced(case) if case else []
    payment = next((each for each in known if transfer in (each.transfer, each.feed)), None)
    if step is None or payment is None or payment.transfer == step.transfer:
        return ""
    return _bank_of(payment, table)


def _step(case: Case | None, dispatch: DispatchId) -> Step | None:
    return next((step for step in case.steps if step.id == dispatch.step), None) if case else None


def _bank_of(payment: Payment | None, table: Institutions) -> str:
    known = table.named(payment.institution) if payment and payment.institution else None
    return known.code if known else ""
