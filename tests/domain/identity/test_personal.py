"""What of a record tells of a person: taken out and put back, and nothing of it left in between."""

from collections.abc import Iterator
from copy import deepcopy
from typing import get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from domain.identity.personal import PERSONAL, WITHHELD, join, parted, without
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent, Dispatch
from schemas.casework.inputs import (
    Alert,
    BankFeedback,
    ContactResult,
    Deadline,
    FraudReport,
    OfficerReport,
    OperatorReport,
    PlaceReport,
    VictimReport,
)
from schemas.channels.bank_messages import BankMessage
from schemas.channels.releases import ReleaseRequest
from schemas.people.calls import Call
from schemas.people.complaints import Complaint
from schemas.people.places import SearchList
from schemas.people.public_reports import PublicReport
from schemas.people.residents import Holding, Occupation, Resident, Sex, TrustedContact
from schemas.risk.reported_frauds import FraudMatch, ReportedFraud

MODELS = (
    Alert,
    BankFeedback,
    ContactResult,
    Deadline,
    OfficerReport,
    OperatorReport,
    PlaceReport,
    VictimReport,
    FraudReport,
    CaseEvent,
    Dispatch,
)
BESIDE = (
    *(Case, Resident, BankMessage, Call, Complaint, ReleaseRequest, PublicReport),
    *(ReportedFraud, FraudMatch, SearchList),
)
OTHERS = {
    # names of staff, of the other side's campaign, and of places in the plan: nothing of the resident's
    *(
        "by",
        "to",
        "officer",
        "claimed_by",
        "returned_from",
        "asked_by",
        "asked_too",
        "assigned",
        "assigned_by",
        "decided_by",
        "taken_by",
        "found_by",
        "told",
        "campaign",
    ),
    "transfer",  # the payment's number at its bank
    "relation",  # within `contacts`, which go as a whole
    "value",  # within `phones` and `accounts`
}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["note", "words", "phones", "answers", "x", "y", "0"]), inner, max_size=3)
    ),
    max_leaves=15,
)


def somebody(**fields: object) -> Resident:
    usual: dict[str, object] = {"id": f"r{'a' * 16}", "name": "某某", "birth_year": 1957, "sex": Sex.FEMALE}
    return Resident.model_validate(usual | {"occupation": Occupation.FARMER, "division": "222401003"} | fields)


@given(values)
def test_what_was_taken_out_of_a_record_makes_it_whole_again(record: object) -> None:
    plain = deepcopy(record)
    taken = parted(plain)
    assert (plain if taken is None else join(plain, taken)) == record


@given(values)
def test_of_what_is_left_nothing_more_can_be_taken(record: object) -> None:
    parted(record)
    left = deepcopy(record)
    assert parted(record) is None
    assert record == left


def test_of_a_resident_the_prefecture_the_decade_and_the_group_are_left() -> None:
    told = somebody(
        phones=[Holding(value="+8619900000001")],
        contacts=[TrustedContact(name="亲友", phone="+8619900000002", relation="亲友")],
        address="示例路1号",
        id_hash="a-hash",
    )
    left = without(told)
    assert (left.division, left.birth_year, left.sex, left.occupation) == (
        "222400",
        1950,
        Sex.FEMALE,
        Occupation.FARMER,
    )
    assert (left.name, left.address, left.id_hash) == (WITHHELD, WITHHELD, None)
    assert (left.phones, left.contacts) == ([], [])


def test_money_s_class_of_evidence_stays_and_a_proof_does_not() -> None:
    money, proof = {"evidence": "A"}, {"evidence": "a wage slip"}
    assert parted(money) is None
    assert parted(proof) == {"evidence": "a wage slip"}
    assert (money, proof) == ({"evidence": "A"}, {"evidence": WITHHELD})


def fields(model: type[BaseModel], seen: set[type]) -> Iterator[tuple[str, str]]:
    """Each field of a model and of those in it, with its type in words."""
    seen.add(model)
    for name, field in model.model_fields.items():
        yield name, f"{field.annotation} {field.metadata}"
        for inner in _models(field.annotation):
            if inner not in seen:
                yield from fields(inner, seen)


def _models(hint: object) -> Iterator[type[BaseModel]]:
    if isinstance(hint, type) and get_origin(hint) is None and issubclass(hint, BaseModel):
        yield hint
    for part in get_args(hint):
        yield from _models(part)


@pytest.mark.parametrize("model", [*MODELS, *BESIDE])
def test_every_field_that_a_person_writes_text_into_is_known_to_be_personal_or_not(model: type[BaseModel]) -> None:
    texts = {name for name, hint in fields(model, set()) if "legible" in hint or "_printable" in hint}
    assert texts <= PERSONAL.keys() | OTHERS, texts - PERSONAL.keys() - OTHERS


def test_the_search_for_such_fields_finds_them() -> None:
    found = {name for name, hint in fields(OperatorReport, set()) if "legible" in hint or "_printable" in hint}
    assert {"note", "reason", "by"} <= found


def test_a_household_is_personal_because_it_stands_for_an_address() -> None:
    case = {"household": "a" * 26, "level": "yellow"}
    assert parted(case) == {"household": "a" * 26}
    assert case == {"household": None, "level": "yellow"}
