"""Short ways to write banks' statements. An account `a` is of bank A, and its bank states what it pays."""

from datetime import UTC, datetime, timedelta

from domain.tracing.bounds import TraceBounds
from domain.tracing.facts import Movement, OpeningBalance, SinkKind, Stated, TracedAccount

START = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
FAR = TraceBounds(least_fen=1, hops=99, within=timedelta(days=99), accounts=1_000_000)


def account(name: str) -> TracedAccount:
    return TracedAccount(name[0].upper(), name)


def moment(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def paid(payer: str, payee: str | SinkKind, fen: int, minute: int, executed: bool = True) -> Stated:
    """Return a movement with the id `payer>payee@minute`, as the payer's bank states it at the start."""
    to = payee if isinstance(payee, SinkKind) else account(payee)
    id_ = f"{payer}>{payee}@{minute}"
    movement = Movement(id_, account(payer), to, fen, moment(minute), minute, executed)
    return Stated(account(payer).bank, START, movement)


def opened(name: str, fen: int) -> Stated:
    return Stated(account(name).bank, START, OpeningBalance(account(name), fen))


def by(stated: Stated, bank: str, minute: float, fen: int | None = None) -> Stated:
    """Return the statement as another bank makes it, at a minute, perhaps of another amount."""
    amount = stated.told.amount_fen if fen is None else fen
    return Stated(bank, moment(minute), stated.told._replace(amount_fen=amount))
