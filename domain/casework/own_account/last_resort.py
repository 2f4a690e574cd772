"""Decides whether outgoing transfers of the resident's own account may be held: only as a last resort.

The province's rule must permit it. The model is Singapore's Protection from Scams Act 2025: a restriction order is for
a person who is about to pay and whom no milder measure has stopped; it ends after 30 days and leaves money to live on.
"""

from domain.casework import grounds
from domain.casework.own_account.records import room_for_holds
from domain.policy.approval import OwnAccountRules
from schemas.casework.cases import Case
from schemas.casework.own_account import MOST_OWN_HOLDS
from schemas.codes.own_account import (
    HoldOnlyInRed,
    MostOwnHolds,
    NoSuchAccount,
    NotLastResort,
    OwnAccountOff,
    OwnAccountRefusal,
    OwnHoldStands,
)
from schemas.levels import LastResort, Level, Outcome


def in_red_danger(case: Case) -> bool:
    """Return True if the case is open and red, and not settled: its resident is neither dissuaded nor cleared, and no
    other province has taken it over.
    """
    return case.open and not case.settled and case.level is Level.RED


def in_call_with(case: Case, by: str) -> bool:
    """Return True if an operator's call with the resident goes on and the operator is the login `by`."""
    return case.desk_call is not None and case.desk_call.goes_on and case.desk_call.by == by


def resort_of(case: Case, *, duress: bool) -> LastResort | None:
    """Return the reason why no milder measure than a hold helps, or None if no such reason is known.

    DURESS if a person states it (`duress`). NOT_DISSUADED if an operator's call was answered, an officer met the
    resident, or the latest outcome is NOT_PERSUADED; only while no call goes on and the case is not settled.
    """
    if duress:
        return LastResort.DURESS
    goes_on = case.desk_call is not None and case.desk_call.goes_on
    reached = grounds.known_ground(case) is not None or case.outcome is Outcome.NOT_PERSUADED
    return LastResort.NOT_DISSUADED if reached and not goes_on and not case.settled else None


def may_not_propose(case: Case, rules: OwnAccountRules, account: int, *, duress: bool) -> OwnAccountRefusal | None:
    """Return the first reason why nobody may propose a hold on the resident's account, or None if a person may.

    In this order: OwnAccountOff (by the policy), HoldOnlyInRed, NoSuchAccount, NotLastResort, OwnHoldStands (one is
    open), MostOwnHolds (the number for the account or for the case is used up). `account`: the account's index in the
    case, from 0. `duress`: True if a person states that the resident is coerced.
    """
    if not rules.enabled:
        return OwnAccountOff()
    if not in_red_danger(case):
        return HoldOnlyInRed()
    if account >= len(case.accounts):
        return NoSuchAccount()
    if resort_of(case, duress=duress) is None:
        return NotLastResort()
    known = [hold for hold in case.own_holds if hold.own_account == case.accounts[account] and not hold.is_delay]
    if any(hold.state.open for hold in known):
        return OwnHoldStands()
    if sum(hold.state.counts_for_account for hold in known) >= rules.times:
        return MostOwnHolds(rules.times)
    return None if room_for_holds(case) else MostOwnHolds(MOST_OWN_HOLDS)
