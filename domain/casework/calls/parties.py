"""Who takes part in the desk's call: third parties, and the colleague to whom it is transferred.

Without the resident's consent or a supervisor's emergency ground, nobody is called into a talk (Personal Information
Protection Law, Articles 13 and 23): the console asks this module before it orders the call.
"""

from domain.casework.draft import DecisionBuilder
from schemas.casework.acts import HandOverCallAct
from schemas.casework.cases import Case
from schemas.casework.events import FactKind
from schemas.casework.third_parties import (
    MOST_ADMITTED,
    AdmittedThirdParty,
    AdmitThirdPartyAct,
    ThirdPartyAct,
    ThirdPartyKind,
)
from schemas.codes.refusals import NoSuchContact, RefusalCode
from schemas.codes.third_parties import (
    CallHandedOver,
    ConsentNotHeard,
    HandOverOnlyInCall,
    MayNotAdmit,
    MostThirdParties,
    ThirdPartyCalled,
    ThirdPartyConsent,
    ThirdPartyEmergency,
    ThirdPartyOnlyInCall,
)
from schemas.people.staff import StaffRole


def admit_third_party(
    draft: DecisionBuilder, act: AdmitThirdPartyAct, by: str, role: StaffRole | None
) -> RefusalCode | None:
    """Record in `draft` that a third party may join the operator's call with the resident. Return None if it is done,
    else the reason for the refusal; nothing is then recorded.

    ThirdPartyOnlyInCall: no call goes on. ConsentNotHeard: `by` does not make the call and states no emergency.
    MayNotAdmit: an emergency is stated by anyone but a supervisor. NoSuchContact: the case has no such trusted contact.
    MostThirdParties: 8 are admitted already. A second record for the same party replaces the first.
    """
    case, call = draft.case, draft.case.desk_call
    if call is None or not call.goes_on:
        return ThirdPartyOnlyInCall()
    if act.emergency is None and call.by != by:
        return ConsentNotHeard()
    if act.emergency is not None and role is not StaffRole.SUPERVISOR:
        return MayNotAdmit()
    if act.kind is ThirdPartyKind.CONTACT and not _is_contact(act.party, case.profile.contacts):
        return NoSuchContact(int(act.party) if act.party.isdecimal() else case.profile.contacts)
    others = [each for each in admitted_now(case) if (each.kind, each.party) != (act.kind, act.party)]
    if len(others) >= MOST_ADMITTED:
        return MostThirdParties(MOST_ADMITTED)
    given = {"kind": act.kind, "party": act.party, "emergency": act.emergency}
    admitted = AdmittedThirdParty(**given, by=by, at=draft.now, call_at=call.at)
    draft.set(third_parties=[*others, admitted])
    party = shown_party(act.kind, act.party)
    consent = ThirdPartyConsent(by, act.kind, party)
    told = ThirdPartyEmergency(by, act.emergency, act.kind, party) if act.emergency else consent
    draft.note(FactKind.NOTE, told, by=by)
    return None


def third_party_told(draft: DecisionBuilder, act: ThirdPartyAct, by: str) -> None:
    """Add a note to `draft` with the new state of a third party's call, as the voice gateway reports it. `by`: the
    login of the operator who makes the call.
    """
    draft.note(FactKind.NOTE, ThirdPartyCalled(act.kind, shown_party(act.kind, act.party), act.state), by=by)


def hand_over_call(draft: DecisionBuilder, act: HandOverCallAct, by: str) -> RefusalCode | None:
    """Record in `draft` that the operator `by` has transferred the present call to a colleague (`act.to`). Return None
    if it is done, or HandOverOnlyInCall if `by` makes no call that goes on, or the colleague is `by`.

    If `by` has claimed the case, the colleague has the claim from now on, as after an assignment: the colleague has
    agreed to it on the telephone. Another person's claim is not changed: nobody may give it away for them.
    """
    call = draft.case.desk_call
    if call is None or not call.goes_on or call.by != by or act.to == by:
        return HandOverOnlyInCall()
    draft.set(desk_call=call.model_copy(update={"by": act.to}))
    told = CallHandedOver(by, act.to)
    if draft.case.claimed_by != by:
        draft.note(FactKind.NOTE, told, by=by)
        return None
    draft.set(claimed_by=act.to, assigned_by=by, returned_from=None)
    draft.note(FactKind.CLAIMED, told, by=by)
    return None


def admitted_now(case: Case) -> list[AdmittedThirdParty]:
    """Return the third parties that may join the operator's call with the resident that goes on; empty without such a
    call. Those admitted to earlier calls are left out.
    """
    call = case.desk_call
    if call is None or not call.goes_on:
        return []
    return [each for each in case.third_parties if each.call_at == call.at]


def is_admitted(case: Case, kind: ThirdPartyKind, party: str) -> bool:
    """Return True if this third party may join the operator's call with the resident that goes on; False without such a
    call. `party`: for a trusted contact, its index in the case, from 0, as text.
    """
    return any((each.kind, each.party) == (kind, party) for each in admitted_now(case))


def shown_party(kind: ThirdPartyKind, party: str) -> str:
    """Return a third party's name as the case's history shows it: for a trusted contact, whose `party` is its index
    from 0, its number from 1; for any other kind, `party` unchanged.
    """
    return str(int(party) + 1) if kind is ThirdPartyKind.CONTACT and party.isdecimal() else party


def _is_contact(party: str, contacts: int) -> bool:
    return party.isascii() and party.isdecimal() and len(party) == 1 and int(party) < contacts
