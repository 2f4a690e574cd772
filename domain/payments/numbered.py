"""The numbers by which the release desk knows a case's stops: of its payments, and of accounts beyond the payees'."""

from collections.abc import Iterator

from schemas.casework.cases import Case, Payment

FIRST_TRACED = 10_000
"""The number of a case's first account beyond the payees'. Payments have lower ones: their indexes."""


def numbered(case: Case) -> Iterator[tuple[int, Payment]]:
    """Yield the case's payments and then its traced accounts, each with its number. A number never changes."""
    yield from enumerate(case.payments)
    yield from enumerate(case.traced, FIRST_TRACED)


def of_number(case: Case, number: int) -> Payment | None:
    """Return the payment or traced account of a number, or None."""
    held, place = (case.traced, number - FIRST_TRACED) if number >= FIRST_TRACED else (case.payments, number)
    return held[place] if 0 <= place < len(held) else None
