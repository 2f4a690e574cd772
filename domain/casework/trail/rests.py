"""What became of the part of a payment that its status does not cover, as far as banks have stated it."""

from enum import StrEnum
from typing import NamedTuple

from domain.casework.trail.tree import PaymentTree
from domain.payments.status import PaymentStatus, rest_of, status_of
from schemas.casework.cases import Case, Payment


class RestKind(StrEnum):
    """Where a part of a payment's money is now.

    LOST: booked as lost. BACK: back with the resident. ELSEWHERE: a bank holds it in an account to which the money went
    on. CASHED_OUT: it left the accounts. FEES: banks kept it. UNKNOWN: nobody has reported it.
    """

    LOST = "lost"
    BACK = "back"
    ELSEWHERE = "elsewhere"
    CASHED_OUT = "cashed_out"
    FEES = "fees"
    UNKNOWN = "unknown"


class RestPart(NamedTuple):
    """An amount (fen) of a payment, and where that money is now."""

    kind: RestKind
    amount_fen: int


def rest_parts(case: Case, payment: Payment, tree: PaymentTree | None) -> list[RestPart]:
    """Return the parts of a payment that its status (`status_of`) does not cover, without empty ones: together they are
    the rest of its amount. `tree`: the payment's tree, None if no bank has stated a movement of its money.

    A booked loss counts first, and money that left the accounts belongs to it. If the tree has more than the rest, the
    later parts are smaller.
    """
    rest = rest_of(case, payment)
    parts, left = [RestPart(RestKind.LOST, rest.lost_fen)], rest.unknown_fen
    for kind, fen in _known(case, payment, tree, rest.lost_fen) if tree else ():
        part = RestPart(kind, max(0, min(fen, left)))
        parts.append(part)
        left -= part.amount_fen
    return [part for part in (*parts, RestPart(RestKind.UNKNOWN, left)) if part.amount_fen]


def _known(case: Case, payment: Payment, tree: PaymentTree, lost_fen: int) -> list[tuple[RestKind, int]]:
    """Return (kind, fen) of the tree's money that is neither the status's nor booked as lost."""
    status, figures = status_of(case, payment), tree.figures
    told = status.amount_fen if status.status is PaymentStatus.RETURNED else 0
    elsewhere = sum(row.held_fen for row in tree.rows if row.depth)
    return [
        (RestKind.ELSEWHERE, elsewhere),
        (RestKind.BACK, figures.with_victim - told),
        (RestKind.CASHED_OUT, figures.cashed_out - lost_fen),
        (RestKind.FEES, figures.fees),
    ]
