"""Which payment that a feed delivers is the one that a person has reported, in either order of arrival."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from schemas.casework.cases import Payment


def pairs(known: Sequence[Payment], told: Sequence[Payment], within: timedelta) -> dict[str, str]:
    """Return for each payment of `told` that is one of `known` the transfer of that one.

    A reported payment and a feed's are the same if the report has the feed's end-to-end id, or if account and amount
    are equal and the times differ by at most `within`. Each is paired once: first by the id, then the nearest in time.
    So of two equal payments one stays alone. A second report is about the payment of the first one, unless both were
    told in the same call, or have different ids.

    A report whose id is not the feed's may still be of the feed's payment, for a person has typed it: they are paired
    if nothing fits better, and `corrected` parts them when the record of the report's id comes.
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


def corrected(known: Sequence[Payment], told: Sequence[Payment]) -> tuple[list[Payment], list[Payment]]:
    """Return the payments and the new records, each report with its own record if that is among the new ones.

    A report may have been joined by account and amount with a record that is not its own. When the record with the
    report's id arrives, the report goes to that one, and the other record becomes a payment of its own.
    """
    before, now = list(known), list(told)
    if not any(payment.reported and payment.feed for payment in known):
        return before, now  # nearly always
    names = aliases(known)
    for at, record in enumerate(told):
        if record.reported is not None or record.transfer in names:
            continue
        place = next((place for place, old in enumerate(before) if _mistaken(old, record)), None)
        if place is None:
            continue
        old = before[place]
        if old.transfer == old.feed:
            more = {"reported": old.reported, "institution": old.institution, "feed": record.transfer}
            before[place], now[at] = _alone(old), record.model_copy(update=more)
        else:
            before[place] = old.model_copy(update={"feed": None})
            before.append(_alone(old).model_copy(update={"transfer": old.feed, "stop": None}))
    return before, now


def _mistaken(old: Payment, record: Payment) -> bool:
    """Return whether a report was joined with the wrong record: `record` is the one whose id the report names."""
    said = old.reported.reference if old.reported else ""
    ids = {_id(old.feed or ""), _id(record.transfer)}
    return old.feed is not None and len(ids) > 1 and said == _id(record.transfer) != "" and old.payee == record.payee


def _alone(old: Payment) -> Payment:
    """Return a feed's payment without the report that was joined with it."""
    return old.model_copy(update={"reported": None, "feed": None})


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
    mine, theirs = references(one), references(other)
    if mine & theirs:
        return 0, apart
    if one.amount_fen != other.amount_fen or apart > within:
        return None
    if not (mine and theirs):
        return 1, apart
    return None if one.reported and other.reported else (2, apart)


def _may_pair(one: Payment, other: Payment) -> bool:
    """Return whether one is a report and the other a feed's record without one, or both are reports of two calls, or
    the same report.
    """
    if _delivered(one) and _delivered(other):
        return False
    if one.reported is None or other.reported is None:
        return True
    return one.reported.report == other.reported.report or one.reported.told_in != other.reported.told_in


def references(payment: Payment) -> frozenset[str]:
    """Return the end-to-end ids by which a payment is known: the report's, and the feed's own number of it."""
    reported = payment.reported.reference if payment.reported else ""
    return frozenset(filter(None, (reported, _id(_delivered(payment)))))


def end_to_end_id(payment: Payment) -> str:
    """Return the end-to-end id of a payment: the feed's, else what the report says, else ""."""
    return _id(_delivered(payment)) or (payment.reported.reference if payment.reported else "")


def _delivered(payment: Payment) -> str:
    """Return the name of the feed's record of a payment, or "" if no feed has delivered it."""
    return payment.feed or (payment.transfer if payment.reported is None else "")


def _id(transfer: str) -> str:
    """Return the end-to-end id in the name of a feed's record."""
    return transfer.partition(":")[2]
