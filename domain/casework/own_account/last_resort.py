"""When outgoing transfers of the resident's own account may be held: only as a last resort, by the province's ground.

The model is Singapore's Protection from Scams Act 2025: a restriction order is for somebody who is about to pay, whom
nothing milder has stopped; it ends after 30 days and leaves money to live on.
"""

from domain.casework import grounds
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
    """Return whether the case is open and red, and its resident neither dissuaded nor cleared."""
    return case.open and not case.settled and case.level is Level.RED


def resort_of(case: Case, *, duress: bool) -> LastResort | None:
    """Return why nothing milder than a hold helps, or None if that is not known.

    NOT_DISSUADED: the latest outcome says so, or somebody has talked with or met the resident, no call goes on, and the
    resident is not settled. DURESS: only as a person states it.
    """
    if duress:
        return LastResort.DURESS
    goes_on = case.desk_call is not None and case.desk_call.goes_on
    reached = grounds.known_ground(case) is not None or case.outcome is Outcome.NOT_PERSUADED
    return LastResort.NOT_DISSUADED if reached and not goes_on and not case.settled else None


def may_not_propose(case: Case, rules: OwnAccountRules, account: int, *, duress: bool) -> OwnAccountRefusal | None:
    """Return why a hold on the resident's account (its index in the case) may not be proposed, or None."""
    if not rules.enabled:
        return OwnAccountOff()
    if not in_red_danger(case):
        return HoldOnlyInRed()
    if account >= len(case.accounts):
        return NoSuchAccount()
    if resort_of(case, duress=duress) is None:
        return NotLastResort()
    known = [hold for hold in case.own_holds if hold.own_account == case.accounts[account]]
    if any(hold.state.open for hold in known):
        return OwnHoldStands()
    if sum(hold.state.counts for hold in known) >= rules.times:
        return MostOwnHolds(rules.times)
    return MostOwnHolds(MOST_OWN_HOLDS) if len(case.own_holds) >= MOST_OWN_HOLDS else None
