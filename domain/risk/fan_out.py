"""Decides whether a suspect's earlier payers are alerted at once, or a person is asked first (if they are many)."""

from datetime import datetime, timedelta
from typing import NamedTuple

from domain.ids import short_hash
from domain.policy.risk import MOST_WITHOUT_ASKING, RiskRules
from domain.risk.sets import precedence
from domain.risk.sharing import carried
from schemas.risk.evidence import PayersAsked, WatchEntry, WatchStatus

LATE = timedelta(days=1)  # contacts are stored this much longer than the policy's window, for reports that come late


class EarlierPayments(NamedTuple):
    """Payments that an account received within the policy's window: their number, and the number of different payers.

    With over 5,000 payments, payers are not counted, and `payers` is 0.
    """

    payments: int
    payers: int


def entered(
    entry: WatchEntry, before: WatchEntry | None, paid: EarlierPayments, rules: RiskRules, now: datetime
) -> WatchEntry:
    """Return the watchlist entry that is in force after `entry` arrived. `before`: the entry until now, or None.
    Nothing is stored here.

    The result is `before` if it takes precedence. If the new entry would alert too many earlier payers (`paid`), it is
    returned with `asked`: a person is asked first, and payments from `now` on are alerted without asking. An entry with
    the status of `before` keeps its question and the answer; if `before` had no question, one that only repeats it
    (`repeats`) asks none. The marks by which the suspect is shared with other centres carry over (see
    `sharing.carried`).
    """
    if before is not None and precedence(entry) <= precedence(before):
        return before
    entry = carried(entry, before)
    if before is not None and before.standing is entry.standing:
        entry = entry.model_copy(update={"first_at": before.begun_at})
    if entry.standing is WatchStatus.LIFTED or not has_earlier(entry, rules):
        return entry
    if before is not None and before.standing is entry.standing and (before.asked or repeats(entry, before)):
        return entry.model_copy(update={"asked": before.asked})
    if not too_many(paid, rules):
        return entry
    return entry.model_copy(update={"asked": PayersAsked(id=_named("ask", entry), before=now)})


def repeats(entry: WatchEntry, before: WatchEntry) -> bool:
    """Return True if `entry` only repeats `before`, an entry about the same suspect: it comes from another signal and
    names no other scam type. The earlier payers were alerted because of `before`.
    """
    return before.uid != entry.uid and entry.scam_type in (None, before.scam_type)


def too_many(paid: EarlierPayments, rules: RiskRules) -> bool:
    """Return True if a person must be asked before an account's earlier payers are alerted.

    That is so if the account received over 5,000 payments, or if the smaller of payments and payers is over the
    policy's `payers_without_asking`.
    """
    if paid.payments > MOST_WITHOUT_ASKING:
        return True
    return min(paid.payments, paid.payers) > rules.payers_without_asking


def answered(entry: WatchEntry, request: str, alert: bool) -> WatchEntry:
    """Return the watchlist entry after a person's answer to the question with the id `request`: a copy, or the entry
    itself if it has no such question, or if a person refused before.

    `alert`: True if the earlier payers are to be alerted: the question is removed. False: it stays, as refused.
    """
    asked = entry.asked
    if asked is None or asked.id != request or asked.refused:
        return entry
    return entry.model_copy(update={"asked": None if alert else asked.model_copy(update={"refused": True})})


def has_earlier(entry: WatchEntry, rules: RiskRules) -> bool:
    """Return True if earlier contacts with the suspect are stored and become evidence: payments to an account; or calls
    from a telephone number that is confirmed or lifted, if the policy sets how far back calls count. False for a
    rating, which alerts no earlier contacts.
    """
    if entry.standing is WatchStatus.RATED:
        return False
    if entry.subject.startswith("account:"):
        return True
    decided = entry.standing in (WatchStatus.CONFIRMED, WatchStatus.LIFTED)
    return decided and rules.upstream.calls is not None and entry.subject.startswith("phone:")


def since(entry: WatchEntry, rules: RiskRules) -> datetime:
    """Return the time from which payments to the suspect, or calls from it, are alerted without asking a person. It is
    the policy's span before the suspect got its status, or, if later, the time at which a person was asked and has not
    agreed.

    For a lifted entry, it is early enough for all contacts that are stored, because the entries that it lifts reached
    back from an earlier time.
    """
    if entry.standing is WatchStatus.LIFTED:
        return entry.at - rules.money.window - LATE
    back = rules.upstream.calls if entry.subject.startswith("phone:") else None
    window = entry.begun_at - (back or rules.money.window)
    return max(window, entry.asked.before) if entry.asked else window


def chain(entry: WatchEntry) -> str:
    """Return a hash of the watchlist entry (20 hexadecimal digits): the id that is common to all messages by which the
    entry's earlier payers are alerted in portions.
    """
    return _named("fan-out", entry)


def _named(what: str, entry: WatchEntry) -> str:
    return short_hash(what, entry.subject, entry.standing, entry.uid, entry.at.isoformat())
