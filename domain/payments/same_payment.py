"""Matches the payments that persons report with the payments that feeds deliver, in either order of arrival."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from schemas.casework.cases import Payment


def pairs(known: Sequence[Payment], told: Sequence[Payment], within: timedelta) -> dict[str, str]:
    """Return, by transfer in `told`, the transfer in `known` that is the same payment; payments without a match are
    left out.

    A person's report and a feed's record are the same payment if the report has the feed's end-to-end id, or if account
    and amount are equal and the times differ by at most `within`. Each payment is paired once: first by id, then by the
    nearest time; so of two equal payments, one may stay unpaired. A second report is paired with the first report's
    payment unless both were told in the same call or have different ids.

    A report whose id differs from the feed's may still be of the feed's payment, because a person typed the id. They
    are paired if no other record fits better; `corrected` separates them when the record with the report's id arrives.
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
    """Return (known payments, new records) after wrong pairs are corrected.

    A report may have been paired by account and amount with a record of another payment. When the record with the
    report's id is in `told`, the report is paired with that record, and the other record becomes a separate payment.
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
    """Return True if `old` is a report paired with the wrong record, and `record` is the one with the id in
    the report.
    """
    said = old.reported.reference if old.reported else ""
    ids = {_id(old.feed or ""), _id(record.transfer)}
    return old.feed is not None and len(ids) > 1 and said == _id(record.transfer) != "" and old.payee == record.payee


def _alone(old: Payment) -> Payment:
    """Return the feed's payment without the report that was paired with it."""
    return old.model_copy(update={"reported": None, "feed": None})


def aliases(known: Sequence[Payment]) -> Mapping[str, str]:
    """Return the name (`transfer`) of each known payment by each name under which it may be reported: its own and, if
    it has one, that in the feed (`feed`).
    """
    return {name: payment.transfer for payment in known for name in (payment.transfer, payment.feed) if name}


def joined(old: Payment, told: Payment) -> Payment:
    """Return a copy of the payment `old` with the data of a second record of it, `told`. If one record is a feed's and
    one a person's, amount, time and state are the feed's, because a person states them from memory.

    The name (`transfer`), the stop and other fields of `old` stay. The institution of `old` stays if it is known.
    """
    if told.reported is None:
        news: dict[str, object] = {"amount_fen": told.amount_fen, "at": told.at, "state": told.state}
        return old.model_copy(update={**news, "feed": told.transfer})
    institution = old.institution or told.institution
    if old.reported is not None:
        return old.model_copy(update={"institution": institution})
    return old.model_copy(update={"reported": told.reported, "feed": old.transfer, "institution": institution})


def _rank(one: Payment, other: Payment, within: timedelta) -> tuple[int, timedelta] | None:
    """Return how well two records fit, as a tuple that is lower for a better fit; None if they are
    different payments.
    """
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
    """Return True if two records may be of one payment: one is a report and the other a feed's record without a report,
    or both are reports made in different calls, or both are the same report.
    """
    if _delivered(one) and _delivered(other):
        return False
    if one.reported is None or other.reported is None:
        return True
    return one.reported.report == other.reported.report or one.reported.told_in != other.reported.told_in


def references(payment: Payment) -> frozenset[str]:
    """Return the end-to-end ids that a payment's reporter and its feed gave: none, one or two different ones."""
    reported = payment.reported.reference if payment.reported else ""
    return frozenset(filter(None, (reported, _id(_delivered(payment)))))


def end_to_end_id(payment: Payment) -> str:
    """Return the end-to-end id of a payment: the feed's, else the report's, else ""."""
    return _id(_delivered(payment)) or (payment.reported.reference if payment.reported else "")


def _delivered(payment: Payment) -> str:
    """Return the name of the feed's record of a payment, or "" if no feed has delivered the payment."""
    return payment.feed or (payment.transfer if payment.reported is None else "")


def _id(transfer: str) -> str:
    """Return the end-to-end id in the name `source:id` of a feed's record; "" if there is none."""
    return transfer.partition(":")[2]
