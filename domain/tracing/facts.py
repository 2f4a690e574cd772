"""Derives one history of money from banks' statements, in whatever order these arrive.

A movement and an account's opening balance may be stated several times, by several banks, late and differently. The
statement of the account's own bank counts: for a movement that is the payer's bank, which made the debit, then the
payee's bank. Among statements of one rank the latest wins; two of the same time are decided by their content. Every
difference in accounts, amount or state is a finding. Times may differ between banks' clocks: the winner's time counts,
and that is no finding.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple


class SinkKind(StrEnum):
    """The way in which money leaves the accounts that a bank can still stop.

    CASH: cash. POS: a card terminal. WALLET: a payment wallet. CRYPTO: a crypto-currency. FEE: kept by the bank that
    moved it.
    """

    CASH = "cash"
    POS = "pos"
    WALLET = "wallet"
    CRYPTO = "crypto"
    FEE = "fee"


class TracedAccount(NamedTuple):
    """An account at a bank or payment institution (`bank`). `token`: the account's token, never its number."""

    bank: str
    token: str


Destination = TracedAccount | SinkKind
_NO_TIME = datetime.min.replace(tzinfo=UTC)


class Movement(NamedTuple):
    """Money that left an account; `amount_fen` in fen.

    `id`: end to end, the same in every bank's statement. `sequence`: the position of the debit among those of the bank
    that states it. `executed`: False for a transfer that was refused or cancelled, so that no money left.
    """

    id: str
    payer: TracedAccount
    payee: Destination
    amount_fen: int
    at: datetime
    sequence: int
    executed: bool = True


class OpeningBalance(NamedTuple):
    """The money (`amount_fen`, in fen) that was in an account before its first known movement."""

    account: TracedAccount
    amount_fen: int


class Stated(NamedTuple):
    """A statement by a bank or a victim. `by`: the bank, or "" for a victim. `at`: when it was made. `told`: its
    content.
    """

    by: str
    at: datetime
    told: Movement | OpeningBalance


class FindingKind(StrEnum):
    """The kind of a finding that a person should examine.

    CONTRADICTION: statements differ. OVERDRAFT: more money left an account than is known to have come in. OVERLAP: a
    theft's payment contained money of an earlier theft, which keeps its origin. UNKNOWN: nobody has stated a theft's
    payment.
    """

    CONTRADICTION = "contradiction"
    OVERDRAFT = "overdraft"
    OVERLAP = "overlap"
    UNKNOWN = "unknown"


class TraceFinding(NamedTuple):
    """Something in the statements that a person should examine.

    `about`: the id of the movement, or the token of the account whose opening balance is meant. `amount_fen`: the money
    concerned, in fen.
    """

    kind: FindingKind
    about: str
    amount_fen: int


class History(NamedTuple):
    """The facts that follow from all statements.

    `movements`: the executed ones, in order of time. `refused`: movements that were not executed, by id. `openings`:
    opening balances in fen, by account. `findings`: contradictions between statements.
    """

    movements: tuple[Movement, ...]
    refused: Mapping[str, Movement]
    openings: Mapping[TracedAccount, int]
    findings: tuple[TraceFinding, ...]


_Claimed = tuple[str, Movement]
"""Who states a movement, and the movement."""


def history_of(statements: Iterable[Stated]) -> History:
    """Return the history that follows from a set of statements. Their order and repetition change nothing.

    Takes O(n log n) for n statements. Raises ValueError for an amount below zero.
    """
    by_subject: defaultdict[tuple[str, ...], set[Stated]] = defaultdict(set)
    for stated in statements:
        if stated.told.amount_fen < 0:
            raise ValueError(f"an amount below zero, stated by {stated.by or 'a victim'}")
        by_subject[_subject(stated.told)].add(stated)
    moved: list[_Claimed] = []
    refused: dict[str, Movement] = {}
    openings: dict[TracedAccount, int] = {}
    findings: list[TraceFinding] = []
    for subject, said in by_subject.items():
        best = max(said, key=_weight) if len(said) > 1 else next(iter(said))
        findings.extend(_contradictions(subject[-1], said))
        if isinstance(best.told, OpeningBalance):
            openings[best.told.account] = best.told.amount_fen
        elif best.told.executed:
            moved.append((best.by, best.told))
        else:
            refused[best.told.id] = best.told
    return History(tuple(_in_order(moved)), refused, openings, tuple(sorted(findings)))


def _subject(told: Movement | OpeningBalance) -> tuple[str, ...]:
    return ("movement", told.id) if isinstance(told, Movement) else ("opening", *told.account)


def _weight(stated: Stated) -> tuple[int, datetime, str, str]:
    """Return what decides between statements of one subject: the greatest wins. The last two only break ties."""
    return _rank(stated), stated.at, stated.by, repr(stated.told)


def _rank(stated: Stated) -> int:
    """Return 2 for the bank of the account itself, 1 for the payee's bank, 0 for anybody else."""
    told = stated.told
    if isinstance(told, OpeningBalance):
        return 2 if told.account.bank == stated.by else 0
    if told.payer.bank == stated.by:
        return 2
    return 1 if isinstance(told.payee, TracedAccount) and told.payee.bank == stated.by else 0


def _contradictions(about: str, said: Iterable[Stated]) -> Iterator[TraceFinding]:
    """Yield one finding if statements of one subject differ. Its amount: the difference between the amounts stated."""
    contents = {_content(stated.told) for stated in said}
    if len(contents) > 1:
        amounts = [stated.told.amount_fen for stated in said]
        yield TraceFinding(FindingKind.CONTRADICTION, about, max(amounts) - min(amounts))


def _content(told: Movement | OpeningBalance) -> Movement | OpeningBalance:
    return told._replace(at=_NO_TIME, sequence=0) if isinstance(told, Movement) else told


def _in_order(moved: list[_Claimed]) -> Iterator[Movement]:
    """Yield movements by time. Within one moment, each bank's own sequence holds."""
    moved.sort(key=lambda claimed: (claimed[1].at, claimed[0], claimed[1].sequence, claimed[1].id))
    for _, group in groupby(moved, key=lambda claimed: claimed[1].at):
        by_bank = [deque(movement for _, movement in own) for _, own in groupby(group, key=itemgetter(0))]
        yield from by_bank[0] if len(by_bank) == 1 else _interleaved(by_bank)


def _interleaved(by_bank: Sequence[deque[Movement]]) -> Iterator[Movement]:
    """Yield the movements of one moment. The numbers of two banks cannot be compared, so credits come before debits.

    Next is the first of a bank whose payer waits for no other movement of this moment; if every payer waits (money in
    a circle), the first bank's. Takes O(n · banks).
    """
    coming: Counter[Destination] = Counter(movement.payee for own in by_bank for movement in own)
    while waiting := [own for own in by_bank if own]:
        chosen = next((own for own in waiting if not coming[own[0].payer]), waiting[0])
        movement = chosen.popleft()
        coming[movement.payee] -= 1
        yield movement
