"""What a party outside may report, and what an intruder at intake would like to."""

from typing import Any

import pytest

from domain.dispatches.outside_reports import CONTACT_RESULTS, is_reported
from domain.ids import result_id
from schemas.casework.inputs import VisitStage, input_adapter
from schemas.levels import Result
from tests.tools.fuzz import examples

BY_KIND = {each["kind"]: each for each in examples.INPUTS}
OF_CASE = {"at": examples.AT, "resident": examples.RESIDENT, "case": examples.CASE}
HASHED = "0123456789abcdef0123"
OBJECTION = {
    **OF_CASE,
    **{"kind": "object_stop", "id": HASHED, "order": "red.stop", "who": "holder", "bank": "icbc"},
    **{"ground": "lawful_payment", "text": "mine"},
}
NOTE = {**OF_CASE, "kind": "operator_report", "id": HASHED, "by": "li", "seen": 3}


def answer(kind: str, **changes: str) -> dict[str, Any]:
    """An answer to a dispatch, as intake writes it."""
    given = {**BY_KIND[kind], **changes}
    return {**given, "id": changes.get("id", result_id(given["dispatch"], "x"))}


def noted(what: str, **changes: object) -> dict[str, Any]:
    """A note of an operator's call, as intake writes it."""
    return {**NOTE, "act": {"do": "note", "what": what, **changes}}


def reported(given: dict[str, Any]) -> bool:
    return is_reported(input_adapter.validate_python(given))


@pytest.mark.parametrize("kind", ["contact_result", "bank_feedback", "officer_report", "resident_reply"])
def test_an_answer_has_an_id_of_its_dispatch(kind: str) -> None:
    assert reported(answer(kind))
    assert not reported(answer(kind, id=f"d:{examples.CASE}:red.robot:1772416800000"))


@pytest.mark.parametrize("what", ["conversation", "conversation_ended", "busy", "no_answer"])
def test_the_voice_gateway_reports_how_an_operators_call_stands(what: str) -> None:
    assert reported(noted(what))
    assert not reported({**noted(what), "id": f"d:{examples.CASE}:red.robot:1772416800000"})
    assert not reported({**noted(what), "role": "supervisor"})
    assert not reported(noted(what, note="the resident says that all is well"))


def test_the_voice_gateway_reports_third_parties_and_admits_none() -> None:
    told = {"do": "third_party", "number": 1, "kind": "bank", "party": "icbc", "state": "joined"}
    assert reported({**NOTE, "act": told})
    assert not reported({**NOTE, "act": told, "role": "supervisor"})
    assert not reported({**NOTE, "act": told, "id": "o1"})
    assert not reported({**NOTE, "act": {"do": "admit_third_party", "kind": "bank", "party": "icbc"}})


def test_the_voice_gateway_reports_to_whom_an_operator_has_transferred_a_call() -> None:
    told = {"do": "hand_over_call", "to": "han"}
    assert reported({**NOTE, "act": told})
    assert not reported({**NOTE, "act": told, "role": "supervisor"})
    assert not reported({**NOTE, "act": told, "id": "o1"})


def test_the_voice_gateway_reports_a_recording_and_no_person_does_outside() -> None:
    told = {"do": "recorded_call", "id": "a" * 20, "written_ms": 1_772_000_000_000, "seconds": 61.5}
    assert reported({**NOTE, "act": told})
    assert not reported({**NOTE, "act": told, "role": "supervisor"})
    assert not reported({**NOTE, "act": told, "id": "o1"})


@pytest.mark.parametrize("what", ["code_confirmed", "three_way_call", "interpreter", "recording", "note"])
def test_other_notes_are_written_by_persons(what: str) -> None:
    assert not reported(noted(what))


@pytest.mark.parametrize("given", [each for each in examples.INPUTS if each["kind"] not in BY_KIND or "act" in each])
def test_nobody_outside_acts_as_an_operator(given: dict[str, Any]) -> None:
    assert not reported(given)


@pytest.mark.parametrize(
    "kind", ["alert", "deadline", "victim_report", "payment_report", "policy_change", "hold_change", "evidence_report"]
)
def test_what_the_installation_itself_writes_is_not_reported(kind: str) -> None:
    assert not reported(BY_KIND[kind])


def test_a_bank_objects_in_its_own_name_only() -> None:
    assert reported(OBJECTION)
    assert not reported({**OBJECTION, "by": "operator-1"})
    assert not reported({**OBJECTION, "bank": None, "by": "operator-1"})


@pytest.mark.parametrize("stage", list(VisitStage))
def test_an_officer_does_not_report_what_the_system_tells(stage: VisitStage) -> None:
    given = {name: value for name, value in answer("officer_report").items() if name not in ("checklist", "outcome")}
    assert reported({**given, "stage": stage}) is (stage not in (VisitStage.NOTIFIED, VisitStage.NOT_ACCEPTED))


def test_a_carrier_reports_no_result_that_only_a_channel_knows() -> None:
    own = {Result.SENT, Result.IN_DOUBT}
    assert not own & CONTACT_RESULTS
    assert {Result.DELIVERED, Result.ACKNOWLEDGED, Result.HUNG_UP, Result.FAILED} <= CONTACT_RESULTS
    for result in Result:
        assert reported(answer("contact_result", result=result)) is (result in CONTACT_RESULTS)
