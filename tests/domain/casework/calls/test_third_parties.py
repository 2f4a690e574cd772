"""Who may be called into the desk's call: by the resident's consent or in an emergency, for this call only."""

from datetime import timedelta

import pytest

from domain.casework.calls.parties import admitted_now, is_admitted
from schemas.casework.acts import CloseAct, NoteAct
from schemas.casework.events import FactKind
from schemas.casework.third_parties import (
    MOST_ADMITTED,
    AdmitThirdPartyAct,
    EmergencyGround,
    ThirdPartyAct,
    ThirdPartyCallState,
    ThirdPartyKind,
)
from schemas.codes.any_code import AnyCode
from schemas.codes.refusals import CaseClosed, NoSuchContact
from schemas.codes.third_parties import (
    ConsentNotHeard,
    MayNotAdmit,
    MostThirdParties,
    ThirdPartyCalled,
    ThirdPartyConsent,
    ThirdPartyEmergency,
    ThirdPartyOnlyInCall,
)
from schemas.levels import Level
from schemas.people.staff import StaffRole
from tests.domain.builders import Line, payment, profile

LI, CHIEF = "operator li", "supervisor"
BANK, CONTACT, OFFICER = ThirdPartyKind.BANK, ThirdPartyKind.CONTACT, ThirdPartyKind.OFFICER
GROUND = EmergencyGround.UNDER_CONTROL


def in_call(contacts: int = 1) -> Line:
    """An operator talks with a resident who has trusted contacts."""
    line = Line()
    line.alert(Level.RED, payment(), of=profile(contacts=contacts))
    line.act(NoteAct(what="conversation"), LI, role=StaffRole.OPERATOR)
    return line


def admit(
    line: Line,
    kind: ThirdPartyKind = BANK,
    party: str = "icbc",
    by: str = LI,
    role: StaffRole | None = StaffRole.OPERATOR,
    emergency: EmergencyGround | None = None,
) -> list[AnyCode]:
    """Admit a third party; the refusals."""
    decision = line.act(AdmitThirdPartyAct(kind=kind, party=party, emergency=emergency), by, role=role)
    return [fact.what for fact in decision.facts if fact.kind is FactKind.REFUSED]


def told(line: Line) -> list[AnyCode]:
    return [line.facts(FactKind.NOTE)[-1]]


def test_the_consent_that_the_operator_heard_admits_this_party_and_no_other() -> None:
    line = in_call()
    assert not is_admitted(line.here, BANK, "icbc")
    assert admit(line) == []
    assert told(line) == [ThirdPartyConsent(LI, BANK, "icbc")]
    assert is_admitted(line.here, BANK, "icbc")
    assert not is_admitted(line.here, BANK, "abc")
    assert not is_admitted(line.here, OFFICER, "icbc")
    (admitted,) = line.here.third_parties
    assert (admitted.by, admitted.at, admitted.emergency) == (LI, line.now, None)


def test_a_consent_that_somebody_else_claims_to_have_heard_admits_nobody() -> None:
    line = in_call()
    assert admit(line, by="operator han") == [ConsentNotHeard()]
    assert admit(line, by=CHIEF, role=StaffRole.SUPERVISOR) == [ConsentNotHeard()]
    assert line.here.third_parties == []


@pytest.mark.parametrize("role", [each for each in (*StaffRole, None) if each is not StaffRole.SUPERVISOR])
def test_only_a_supervisor_admits_without_consent(role: StaffRole | None) -> None:
    line = in_call()
    assert admit(line, role=role, emergency=GROUND) == [MayNotAdmit()]
    assert line.here.third_parties == []
    assert admit(line, by=CHIEF, role=StaffRole.SUPERVISOR, emergency=GROUND) == []
    assert told(line) == [ThirdPartyEmergency(CHIEF, GROUND, BANK, "icbc")]
    assert is_admitted(line.here, BANK, "icbc")


def test_nobody_is_admitted_before_a_talk_or_after_it() -> None:
    line = Line()
    line.alert(Level.RED, payment(), of=profile(contacts=1))
    assert admit(line) == [ThirdPartyOnlyInCall()]
    line.act(NoteAct(what="busy"), LI, role=StaffRole.OPERATOR)
    assert admit(line) == [ThirdPartyOnlyInCall()]
    line.act(NoteAct(what="conversation"), LI, role=StaffRole.OPERATOR)
    assert admit(line) == []
    line.act(NoteAct(what="conversation_ended"), LI, role=StaffRole.OPERATOR)
    assert admit(line) == [ThirdPartyOnlyInCall()]
    assert not is_admitted(line.here, BANK, "icbc")
    assert admitted_now(line.here) == []


def test_a_consent_does_not_hold_for_the_next_call() -> None:
    line = in_call()
    assert admit(line) == []
    line.act(NoteAct(what="conversation_ended"), LI, role=StaffRole.OPERATOR)
    line.pass_to(timedelta(minutes=5))
    line.act(NoteAct(what="conversation"), LI, role=StaffRole.OPERATOR)
    assert not is_admitted(line.here, BANK, "icbc")
    assert admit(line, CONTACT, "0") == []
    assert [each.kind for each in line.here.third_parties] == [CONTACT], "the former call's are dropped"


@pytest.mark.parametrize(("party", "contact"), [("1", 1), ("9", 9), ("0x", 1), ("00", 0), ("٠", 0)])
def test_a_contact_that_the_register_does_not_have_is_not_admitted(party: str, contact: int) -> None:
    line = in_call(contacts=1)
    act = AdmitThirdPartyAct.model_construct(kind=CONTACT, party=party)
    decision = line.act(act, LI, role=StaffRole.OPERATOR)
    assert [fact.what for fact in decision.facts] == [NoSuchContact(contact)]
    assert line.here.third_parties == []


def test_the_history_counts_contacts_from_one() -> None:
    line = in_call(contacts=2)
    assert admit(line, CONTACT, "1") == []
    assert told(line) == [ThirdPartyConsent(LI, CONTACT, "2")]
    line.act(ThirdPartyAct(number=1, kind=CONTACT, party="1", state=ThirdPartyCallState.JOINED), LI)
    assert told(line) == [ThirdPartyCalled(CONTACT, "2", ThirdPartyCallState.JOINED)]


def test_a_second_record_for_one_party_replaces_the_first_and_the_number_is_limited() -> None:
    line = in_call()
    assert admit(line) == []
    assert admit(line, by=CHIEF, role=StaffRole.SUPERVISOR, emergency=GROUND) == []
    assert [each.emergency for each in line.here.third_parties] == [GROUND]
    for number in range(1, MOST_ADMITTED):
        assert admit(line, OFFICER, f"p{number}") == []
    assert admit(line, OFFICER, "one-more") == [MostThirdParties(MOST_ADMITTED)]
    assert len(line.here.third_parties) == MOST_ADMITTED


def test_a_closed_case_admits_nobody_and_still_learns_how_a_third_party_left() -> None:
    line = in_call()
    line.act(CloseAct(reason="moved away"), LI, role=StaffRole.OPERATOR)
    assert admit(line) == [CaseClosed()]
    line.act(ThirdPartyAct(number=1, kind=BANK, party="icbc", state=ThirdPartyCallState.LEFT), LI)
    assert told(line) == [ThirdPartyCalled(BANK, "icbc", ThirdPartyCallState.LEFT)]
