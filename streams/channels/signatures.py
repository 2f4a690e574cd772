"""Decides who signed a receipt: a channel's provider or one of the banks. Each has its own key."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.casework.own_account.records import hold_of_step
from domain.dispatches.ids import DispatchId
from domain.payments.accounts import find
from domain.payments.institutions import Institutions
from domain.payments.same_payment import aliases
from schemas.casework.cases import Case, Step
from streams.channels.dispatch_log import Entry
from streams.channels.signing import SignedMessage, verify
from streams.runtime import metrics
from streams.security.secrets import bank_signer


class AnotherBanksError(PermissionError):
    """The answer to an order is not signed by the bank that the order went to, or is about another bank's order."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A valid signature. `by`: the signer whose key made it, named as in QUANZU_RECEIPTS_SECRET (sms, bank,
    bank/CODE).
    """

    nonce: str
    by: str


class Signatures:
    """Verifies the signatures of receipts. `keys`: by signer, the current key first."""

    def __init__(self, keys: Mapping[str, tuple[bytes, ...]]) -> None:
        self._keys = keys

    def verify(self, headers: Mapping[str, str], message: SignedMessage, wall: float) -> Signed:
        """Verify a message's signature. Returns its nonce and its signer: the channel's provider or, for the channel
        `bank`, perhaps a bank.

        `wall`: the time in seconds since 1970. Counts signatures with a former key as a metric. Raises SignatureError
        if no key of the channel fits, the time or nonce is missing or malformed, or the time is over 300 s off.
        """
        signers = [name for name in self._keys if name.partition("/")[0] == message.channel]
        keys = [(name, former, key) for name in signers for former, key in enumerate(self._keys[name])]
        found = verify([key for _, _, key in keys], headers, message, wall)
        by, former, _ = keys[found.key]
        if former:
            metrics.RECEIPTS_BEFORE.inc()
        return Signed(found.nonce, by)

    def check_bank(self, signed: Signed, bank: str) -> None:
        """Raise AnotherBanksError if the order went to `bank` (its code), and the answer was signed by another bank or
        the gateway.

        `bank` "": the order went to no bank of the table; then any signer may answer it.
        """
        if bank and signed.by != bank_signer(bank):
            raise AnotherBanksError("this order went to a bank, and its answer is not signed with that bank's key")

    def check_name(self, signed: Signed, bank: str | None) -> None:
        """Raise AnotherBanksError if a bank has signed an answer that names another bank (`bank`, a code), to which it
        would be attributed.

        Does nothing if `bank` is None or "", or if the gateway has signed.
        """
        if bank and signed.by.startswith(bank_signer("")) and signed.by != bank_signer(bank):
            raise AnotherBanksError("bank: another bank's code than the one whose key has signed the answer")


def check_payment(case: Case | None, dispatch: DispatchId, transfer: str) -> None:
    """Raise AnotherBanksError if a bank's answer to an order names (`transfer`) another payment of the case than the
    order did: the stop of that payment may be another bank's. `case`: the dispatch's, or None if it is unknown: then
    nothing is checked.

    A payment that the case does not have is not judged here, but by casework.
    """
    asked = _step_of(case, dispatch)
    if case is None or asked is None or asked.transfer is None:
        return
    named = find(case, aliases(case.payments).get(transfer, transfer))
    if named is not None and named.transfer != asked.transfer:
        raise AnotherBanksError("transfer: another payment's than the order's")


def asked_bank(entry: Entry | None, case: Case | None, dispatch: DispatchId, table: Institutions) -> str:
    """Return the code of the bank that an order went to: from the dispatch log's `entry`, or from the case if the log
    lost it or names no bank; "" if unknown.

    `entry`, `case`: None if the log or the store does not have them. Raises AnotherBanksError if the log lost an order
    about the resident's own account and no bank has confirmed the hold: then it is not known which bank has the
    account.
    """
    if entry is not None and entry.bank:
        return entry.bank
    hold = hold_of_step(case, dispatch.step) if case and entry is None else None
    if hold is not None:
        if hold.bank is None:
            raise AnotherBanksError("the order's bank is not known any more: no bank can answer it")
        return hold.bank
    step = _step_of(case, dispatch)
    payment = find(case, step.transfer) if case and step else None
    known = table.named(payment.institution) if payment and payment.institution else None
    return known.code if known else ""


def _step_of(case: Case | None, dispatch: DispatchId) -> Step | None:
    return next((step for step in case.steps if step.id == dispatch.step), None) if case else None
