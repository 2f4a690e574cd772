"""A record belongs to whoever it is about: the other side of a report or a call is told nothing of it."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.identity.held import Subject, subject
from domain.identity.id_keys import IdKeys
from schemas.base import Model
from schemas.people.calls import Call, CallerRequest, Statement
from schemas.people.complaints import Complaint, ComplaintKind
from schemas.people.public_reports import PublicReport, Reporter
from schemas.people.residents import Holding, Occupation, Resident, Sex
from schemas.people.subject_requests import IdentityProof, SubjectRequest, SubjectRight
from schemas.risk.reported_frauds import FraudMatch, MatchedBy, ReportedFraud, UnmatchedReason
from streams.messaging.reader import Read
from streams.messaging.topics import (
    CALLS,
    COMPLAINTS,
    FRAUD_MATCHES,
    PUBLIC_REPORTS,
    REPORTED_FRAUDS,
    SUBJECT_REQUESTS,
    Topic,
)
from streams.operations.subject_access import parts

NOW = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
PHONE, ACCOUNT = "+8619900000001", "9900000000000001"
OTHER_PHONE, OTHER_ACCOUNT = "+8619900000002", "9900000000000002"
PERSON, OTHER = "r" + "a" * 16, "r" + "b" * 16


def person() -> Subject:
    entry = Resident(
        id=PERSON,
        name="甲",
        birth_year=1950,
        sex=Sex.MALE,
        occupation=Occupation.RETIRED,
        division="220104",
        phones=[Holding(value=PHONE)],
        accounts=[Holding(value=ACCOUNT)],
    )
    return subject(entry, IdKeys(b"the key of a test"))


def told(topic: Topic, thing: Model) -> list[object]:
    record = Read(0, b"a key", thing.model_dump_json().encode(), 0, 0)
    return list(parts(topic, record, person()))


def report(**fields: object) -> PublicReport:
    given = {"id": f"w{'0' * 20}", "at": NOW, "name": "乙", "phone": OTHER_PHONE, "place": "220104", **fields}
    return PublicReport.model_validate(given)


@pytest.mark.parametrize(
    ("fields", "theirs"),
    [
        ({"phone": PHONE}, True),
        ({"from_account": ACCOUNT}, True),
        ({"from_account": "9900 0000 0000 0001", "text": ACCOUNT}, True),
        ({"case": f"{PERSON}-1"}, True),
        ({"case": f"{PERSON}-1", "reporter": Reporter.WITNESS}, False),  # the witness's name and telephone
        ({"case": f"{OTHER}-1", "phone": PHONE}, False),  # a family's telephone: the case says whose report it is
        ({"case": f"{OTHER}-1", "from_account": ACCOUNT}, False),
        ({"case": f"{OTHER}-1", "phone": PHONE, "reporter": Reporter.WITNESS}, True),
        ({"payee": ACCOUNT}, False),
        ({"scammer_phone": PHONE}, False),
        ({"text": f"转到 {ACCOUNT}"}, False),
        ({"from_account": OTHER_ACCOUNT}, False),
    ],
)
def test_a_public_report_is_its_reporter_s_and_not_whom_it_accuses(fields: dict[str, object], theirs: bool) -> None:
    assert bool(told(PUBLIC_REPORTS, report(**fields))) is theirs


@pytest.mark.parametrize(
    ("resident", "phone", "theirs"),
    [
        (PERSON, OTHER_PHONE, True),
        (OTHER, PHONE, False),
        (None, PHONE, True),
        (None, OTHER_PHONE, False),
    ],
)
def test_a_call_is_the_confirmed_caller_s_or_else_the_telephone_s(
    resident: str | None, phone: str, theirs: bool
) -> None:
    said = Statement(id="a-statement", at=NOW, what=CallerRequest.REPORT, text=f"{ACCOUNT} {PHONE}")
    call = Call(id=f"c{'0' * 20}", at=NOW, by="operator-1", phone=phone, resident=resident, statements=[said])
    assert bool(told(CALLS, call)) is theirs


@pytest.mark.parametrize(
    ("fields", "theirs"),
    [
        ({"phone": PHONE}, True),
        ({"accounts": [ACCOUNT]}, True),
        ({"phone": OTHER_PHONE, "name": ACCOUNT}, False),
        ({"phone": OTHER_PHONE, "accounts": [OTHER_ACCOUNT]}, False),
    ],
)
def test_a_reported_fraud_is_its_victims(fields: dict[str, object], theirs: bool) -> None:
    fraud = ReportedFraud.model_validate({"source": "police", "id": "A1", "reported_at": NOW, **fields})
    assert bool(told(REPORTED_FRAUDS, fraud)) is theirs


@pytest.mark.parametrize(
    ("until_days", "happened", "theirs"),
    [
        (20, {"happened_to": 30}, True),
        (20, {"happened_from": 30}, True),
        (20, {}, False),
        (40, {"happened_to": 30}, False),
    ],
)
def test_a_reported_fraud_is_theirs_who_held_the_telephone_when_it_happened(
    until_days: int, happened: dict[str, int], theirs: bool
) -> None:
    ended = Holding(value=PHONE, until=NOW - timedelta(days=until_days))
    entry = person().resident.model_copy(update={"phones": [ended]})
    times = {name: NOW - timedelta(days=days) for name, days in happened.items()}
    fraud = ReportedFraud.model_validate({"source": "police", "id": "A1", "reported_at": NOW, "phone": PHONE, **times})
    record = Read(0, b"police:A1", fraud.model_dump_json().encode(), 0, 0)
    found = list(parts(REPORTED_FRAUDS, record, subject(entry, IdKeys(b"the key of a test"))))
    assert bool(found) is theirs


def test_a_match_is_its_residents_and_not_a_candidates_who_would_learn_of_the_other() -> None:
    times = dict.fromkeys(("reported_at", "happened_at", "received_at"), NOW)
    known = {"id": "police:A1", "version": 1, "change": 1, "digest": "0" * 32, "dated": True, **times}
    matched = known | {"resident": PERSON, "by": MatchedBy.ID_NUMBER}
    undecided = known | {"why": UnmatchedReason.CONFLICT, "candidates": [PERSON, OTHER]}
    for fields, theirs in ((matched, True), (undecided, False)):
        assert bool(told(FRAUD_MATCHES, FraudMatch.model_validate(fields))) is theirs


def test_an_id_number_says_whose_a_reported_fraud_is_whoever_has_the_telephone() -> None:
    entry = person().resident.model_copy(update={"id_hash": "a" * 26})
    known = subject(entry, IdKeys(b"the key of a test"))
    for hashed, theirs in (("a" * 26, True), ("b" * 26, False)):
        fraud = ReportedFraud(source="police", id="A1", reported_at=NOW, phone=PHONE, id_hash=hashed)
        record = Read(0, b"police:A1", fraud.model_dump_json().encode(), 0, 0)
        assert bool(list(parts(REPORTED_FRAUDS, record, known))) is theirs


def test_a_complaint_of_another_that_names_the_person_is_the_other_s() -> None:
    for resident, theirs in ((OTHER, False), (None, False), (PERSON, True)):
        complaint = Complaint(
            id=f"k{'0' * 20}",
            at=NOW,
            by="operator-1",
            kind=ComplaintKind.TOO_OFTEN,
            text=f"a call from {PHONE}",
            area="2201",
            resident=resident,
            answer_due=NOW,
            end_due=NOW,
        )
        assert bool(told(COMPLAINTS, complaint)) is theirs


def test_a_request_of_somebody_who_is_not_in_the_register_is_not_whom_its_note_names() -> None:
    for resident, theirs in ((None, False), (OTHER, False), (PERSON, True)):
        request = SubjectRequest(
            id=f"s{'0' * 20}",
            at=NOW,
            by="operator-1",
            right=SubjectRight.SEE,
            proof=IdentityProof.IN_PERSON,
            name="乙",
            note=f"calls come from {PHONE}",
            area="2201",
            resident=resident,
            due=NOW,
        )
        assert bool(told(SUBJECT_REQUESTS, request)) is theirs
