"""Which payment that a feed delivers is the one that a person has reported, in either order of arrival."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from schemas.casework.cases import Payment


def pairs(known: Sequence[Payment], told: Sequence[Payment], within: timedelta) -> dict[str, str]:
    """Return for each payment of `told` that is one of `known` the transfer of that one.

    A reported payment and a feed's are the same if the report has the feed's end-to-end id, or if account and amount
    are equal and the times differ by at most `within`. Each is paired once: first by the id, then the nearest in time.
    So of two equal payments one stays alone. A second report is about the payment of the first one, unless both were
    told in the same call.
    """
    if not any(payment.reported for payment in (*known, *told)):
        return {}  # nearly always
    names = aliases(known)
    new = [payment for payment in told if payment.transfer not in names]
    found = sorted(
        (rank, place, one.transfer, other.transfer)
        for place, other in enumerate(known)
        for one in new
        if (rank := _rank(one, other, within)) is not None
    )
    paired: dict[str, str] = {}
    taken: set[str] = set()
    for _, _, one, other in found:
        if one not in paired and other not in taken:
            paired[one] = other
            taken.add(other)
    return paired


def aliases(known: Sequence[Payment]) -> Mapping[str, str]:
    """Return the transfer of each payment by every name that it has: its own, and that of the feed."""
    return {name: payment.transfer for payment in known for name in (payment.transfer, payment.feed) if name}


def joined(old: Payment, told: Payment) -> Payment:
    """Return a known payment with what a second record of it tells. It keeps its name, its stop and its place.

    A feed's amount, time and state count, for a person states them from memory.
    """
    if told.reported is None:
        news: dict[str, object] = {"amount_fen": told.amount_fen, "at": told.at, "state": told.state}
        return old.model_copy(update={**news, "feed": told.transfer})
    institution = old.institution or told.institution
    if old.reported is not None:
        return old.model_copy(update={"institution": institution})
    return old.model_copy(update={"reported": told.reported, "feed": old.transfer, "institution": institution})


def _rank(one: Payment, other: Payment, within: timedelta) -> tuple[int, timedelta] | None:
    """Return how well two records fit, the lower the better; None if they are different payments."""
    if one.payee != other.payee or not _may_pair(one, other):
        return None
    apart = abs(one.at - other.at)
    if _same_reference(one, other):
        return 0, apart
    return (1, apart) if one.amount_fen == other.amount_fen and apart <= within else None


def _may_pair(one: Payment, other: Payment) -> bool:
    """Return whether one is a report and the other a feed's record without one, or both are reports of two calls, or
    the same report.
    """
    if one.reported is None:
        return other.reported is not None and other.feed is None
    again = other.reported is not None and other.reported.report == one.reported.report
    return again or other.reported is None or other.reported.told_in != one.reported.told_in


def _same_reference(one: Payment, other: Payment) -> bool:
    mine, theirs = _references(one), _references(other)
    return bool(mine & theirs)


def _references(payment: Payment) -> frozenset[str]:
    """Return the end-to-end ids by which a payment is known: the report's, and the feed's own number of it."""
    reported = payment.reported.reference if payment.reported else ""
    delivered = payment.feed or (payment.transfer if payment.reported is None else "")
    return frozenset(filter(None, (reported, delivered.partition(":")[2])))
