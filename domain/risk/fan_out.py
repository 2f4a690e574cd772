"""Decides whether a suspect's earlier payers are alerted at once, or a person is asked first (if they are many)."""

from datetime import datetime
from typing import NamedTuple

from domain.ids import short_hash
from domain.policy.risk import MOST_WITHOUT_ASKING, RiskRules
from domain.risk.sets import precedence
from schemas.risk.evidence import PayersAsked, WatchEntry, WatchStatus


class EarlierPayments(NamedTuple):
    """The number of payments that an account received within the policy's window, and the number of their payers.

    Payers are counted only among up to 5,000 payments; with more, `payers` is 0.
    """

    payments: int
    payers: int


def entered(
    entry: WatchEntry, before: WatchEntry | None, paid: EarlierPayments, rules: RiskRules, now: datetime
) -> WatchEntry:
    """Return the watchlist entry in force after `entry` arrived; `before` is the present one (or None), and may stay.

    An entry that would alert too many waits: `asked` says from when on payments are alerted without asking. An entry
    that repeats the present one inherits its question and the answer.
    """
    if before is not None and precedence(entry) <= precedence(before):
        return before
    if entry.standing is WatchStatus.LIFTED or not entry.subject.startswith("account:"):
        return entry
    if before is not None and before.standing is entry.standing and (before.asked or repeats(entry, before)):
        return entry.model_copy(update={"asked": before.asked})
    if not too_many(paid, rules):
        return entry
    return entry.model_copy(update={"asked": PayersAsked(id=_named("ask", entry), before=now)})


def repeats(entry: WatchEntry, before: WatchEntry) -> bool:
    """Return whether an entry only repeats the present one, from another signal and with no other scam type.

    Its payers are alerted already.
    """
    return before.uid != entry.uid and entry.scam_type in (None, before.scam_type)


def too_many(paid: EarlierPayments, rules: RiskRules) -> bool:
    """Return whether a person must be asked before the earlier payers are alerted: the account received over 5,000
    payments, or the smaller of payments and payers is over the policy's `payers_without_asking`.
    """
    if paid.payments > MOST_WITHOUT_ASKING:
        return True
    return min(paid.payments, paid.payers) > rules.payers_without_asking


def answered(entry: WatchEntry, request: str, alert: bool) -> WatchEntry:
    """Return the entry after a person's answer to `request`; an answer to another question changes nothing.

    `alert`: whether the earlier payers are to be alerted.
    """
    asked = entry.asked
    if asked is None or asked.id != request or asked.refused:
        return entry
    return entry.model_copy(update={"asked": None if alert else asked.model_copy(update={"refused": True})})


def since(entry: WatchEntry, rules: RiskRules) -> datetime:
    """Return the time from which payments to the suspect are alerted without asking: the policy's window before the
    entry, or later if a person is asked.
    """
    window = entry.at - rules.money.window
    return max(window, entry.asked.before) if entry.asked else window


def chain(entry: WatchEntry) -> str:
    """Return the id of an entry's fan-out, which all its slices share."""
    return _named("fan-out", entry)


def _named(what: str, entry: WatchEntry) -> str:
    return short_hash(what, entry.subject, entry.standing, entry.uid, entry.at.isoformat())
