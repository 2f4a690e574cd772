"""The onward movements of a case's money: a set of banks' statements, and the trace that follows from it.

The set depends neither on the order nor on the repetition of answers. domain/tracing/facts decides between statements
that differ.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from domain.casework.draft import DecisionBuilder
from domain.identity.personal import WITHHELD
from domain.policy.trace import TraceRules
from domain.tracing.bounds import TraceBounds
from domain.tracing.facts import Destination, Movement, SinkKind, Stated, TracedAccount
from domain.tracing.ledgers import trace_money
from domain.tracing.lots import TracingRule
from domain.tracing.tree import MoneyTrace
from schemas.casework.cases import Case, Payment
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankFeedback
from schemas.casework.movements import MOST_MOVEMENTS, MovedAccount, OnwardMovement, StatedMovement
from schemas.codes.money import MovementsStated
from schemas.risk.signals import TransferState

VICTIM = TracedAccount("", "victim")
"""The resident's accounts, in a trace."""


def take_movements(draft: DecisionBuilder, given: BankFeedback, payment: Payment) -> None:
    """Add the movements in a bank's answer about `payment` to the case, with a fact.

    A repeated statement counts as new only if another statement contradicts it: the latest one is then valid. No effect
    if all movements are known, or if the case's personal data was destroyed.
    """
    if not given.movements or payment.payee == WITHHELD:
        return
    by = given.bank or payment.institution
    told = [StatedMovement(by=by, told_at=given.at, movement=each) for each in given.movements]
    known = draft.case.movements
    after = united_statements(known, told, min(each.at for each in draft.case.payments))
    new = {(each.by, each.movement) for each in after} - {(each.by, each.movement) for each in known}
    times = Counter(name_of(each.movement) for each in known)
    contested = any(times[name_of(movement)] > 1 for movement in given.movements)
    if new or (contested and after != known):
        draft.set(movements=after)
        draft.note(FactKind.NOTE, MovementsStated(len(new)))


def united_statements(
    known: Iterable[StatedMovement], told: Iterable[StatedMovement], paid: datetime
) -> list[StatedMovement]:
    """Return the union of banks' statements, in the order of their movements. Of statements that differ only in
    `told_at`, the latest is kept.

    At most 500 (MOST_MOVEMENTS) are kept, those nearest to the first payment (at `paid`): first the earliest since
    then, whose money may be the payment's, then the latest before.
    """
    latest: dict[tuple[str | None, OnwardMovement], datetime] = {}
    for each in (*known, *told):
        said = each.by, each.movement
        latest[said] = max(each.told_at, latest.get(said, each.told_at))
    found = sorted((StatedMovement(by=by, told_at=at, movement=each) for (by, each), at in latest.items()), key=_place)
    since = bisect_left(found, paid, key=lambda stated: stated.movement.at)
    kept = found[since : since + MOST_MOVEMENTS]
    return found[max(0, since - (MOST_MOVEMENTS - len(kept))) : since] + kept


def _place(stated: StatedMovement) -> tuple[datetime, str, int, str, str]:
    movement = stated.movement
    return movement.at, movement.payer.bank, movement.sequence, stated.by or "", movement.model_dump_json()


def name_of(movement: OnwardMovement) -> str:
    """Return the name of a movement, which is the same in every bank's statement: the payer's bank, "#", and the
    movement's number at that bank.
    """
    return f"{movement.payer.bank}#{movement.sequence}"


def accounts_reached(case: Case) -> set[str]:
    """Return the tokens of all accounts that the case's payments went to, and of the payers and payees of all movements
    that banks have stated; unordered.
    """
    paid = {payment.payee for payment in (*case.payments, *case.traced)}
    return paid | {each.token for each in _moved(case.movements)}


def traced(case: Case, rules: TraceRules, own: Collection[str] = ()) -> MoneyTrace:
    """Return the trace of the case's payments by first in, first out, within the bounds of `rules`. `own`: tokens of
    the resident's accounts, beside those in the case.

    A payment that was only attempted is not traced, because its money never left. Banks' statements about the
    resident's own accounts are left out, because the case has the payments from them.
    """
    own = {*own, *case.accounts}
    paid = [payment for payment in case.payments if payment.state is not TransferState.ATTEMPTED]
    accounts = _Accounts(case, own)
    onward = (each for each in case.movements if each.movement.payer.token not in own)
    stated = [*map(accounts.theft, paid), *map(accounts.statement, onward)]
    return trace_money(stated, [payment.transfer for payment in paid], TracingRule.FIFO, bounds_of(rules))


def bounds_of(rules: TraceRules) -> TraceBounds:
    """Return the bounds of a trace that a policy's trace rules set."""
    return TraceBounds(rules.least_fen, rules.hops, rules.within, rules.accounts)


class _Accounts:
    """The accounts of a case by token. A token has one bank, however banks name it: the payment's institution, or else
    as the bank names itself, or else the first of the names in alphabetical order.
    """

    def __init__(self, case: Case, own: Collection[str]) -> None:
        stated = {
            (each.token, stated.by != each.bank, each.bank) for stated in case.movements for each in _moved([stated])
        }
        self._banks = {token: bank for token, _, bank in sorted(stated, reverse=True)}  # the first in order is the last
        self._banks |= {payment.payee: payment.institution for payment in case.payments if payment.institution}
        self._own = frozenset(own)

    def account(self, token: str) -> TracedAccount:
        return VICTIM if token in self._own else TracedAccount(self._banks.get(token, ""), token)

    def theft(self, payment: Payment) -> Stated:
        """Return the payment as a statement of the victim (`by` is ""), so that the trace has it even if no bank has
        stated it.
        """
        movement = Movement(
            payment.transfer, VICTIM, self.account(payment.payee), payment.amount_fen, payment.at, sequence=0
        )
        return Stated("", payment.at, movement)

    def statement(self, stated: StatedMovement) -> Stated:
        """Return a bank's statement as the trace reads it. Banks that name the payer's bank differently still state the
        same movement.
        """
        told = stated.movement
        payer = self.account(told.payer.token)
        movement = Movement(
            f"{payer.bank}#{told.sequence}",
            payer,
            self._payee(told),
            told.amount_fen,
            told.at,
            told.sequence,
            told.executed,
        )
        return Stated(stated.by or "", stated.told_at, movement)

    def _payee(self, told: OnwardMovement) -> Destination:
        return self.account(told.payee.token) if told.payee else SinkKind(told.kind.value)


def _moved(movements: Sequence[StatedMovement]) -> Iterator[MovedAccount]:
    for each in movements:
        yield each.movement.payer
        if each.movement.payee is not None:
            yield each.movement.payee
