"""The record of processing has every kind of record, and says of each at least the personal data that its model has."""

from datetime import timedelta
from pathlib import Path

import pytest

from console.reference.catalogue import TRAFFIC, values
from console.reference.processing import (
    FIELDS,
    RECORD,
    DataClass,
    TopicEncryption,
    classes_in,
    record_of_processing,
    without_personal_data,
)
from domain.identity.held import PARTIES
from domain.identity.personal import PERSONAL
from domain.policy.file import load
from streams.messaging.codec import may_be_sealed
from streams.messaging.topics import ALL, AUDIT, CALLS, EVIDENCE, RESIDENTS, SIGNALS

POLICY = load((Path(__file__).parents[2] / "deploy" / "policy" / "jilin.toml").read_text("utf-8"))


def test_every_kind_of_record_is_in_the_record_of_processing_and_no_other() -> None:
    assert set(RECORD) == set(values())
    assert {each.topic for each in TRAFFIC} == set(ALL)


@pytest.mark.parametrize("kind", sorted(RECORD))
def test_a_kind_of_record_names_each_class_of_data_that_its_model_has(kind: str) -> None:
    found, value = RECORD[kind], values()[kind]
    assert classes_in(value) <= set(found.data if found else ()), f"{kind} has data that its entry does not name"


def test_every_personal_field_is_of_a_class() -> None:
    assert set(PERSONAL) | {field for fields in PARTIES.values() for field in fields} <= set().union(*FIELDS.values())
    assert set(FIELDS) == set(DataClass)


def test_whatever_is_encrypted_is_in_the_record() -> None:
    listed = {line.topic.name for line in record_of_processing(POLICY, vault=True)}
    assert {topic.name for topic in ALL if may_be_sealed(topic.name)} <= listed
    assert set(without_personal_data()) == {name for name, found in RECORD.items() if found is None}


def test_retention_is_the_policys_and_encryption_is_the_installations() -> None:
    lines = {line.topic: line for line in record_of_processing(POLICY, vault=True)}
    assert lines[SIGNALS].kept == POLICY.retention.signals
    assert lines[CALLS].kept == POLICY.retention.calls
    assert lines[EVIDENCE].kept == POLICY.risk.keep
    assert lines[RESIDENTS].kept is None
    longer = POLICY.model_copy(update={"retention": POLICY.retention.model_copy(update={"calls": timedelta(days=200)})})
    assert {line.topic: line for line in record_of_processing(longer, vault=True)}[CALLS].kept == timedelta(days=200)
    encrypted = {topic: lines[topic].encrypted for topic in (RESIDENTS, EVIDENCE, SIGNALS, AUDIT)}
    assert encrypted == {
        RESIDENTS: TopicEncryption.FIELDS,
        EVIDENCE: TopicEncryption.WHOLE,
        SIGNALS: TopicEncryption.WHOLE,  # with a public key: whose they are is not known yet
        AUDIT: TopicEncryption.NONE,
    }
    assert {line.encrypted for line in record_of_processing(POLICY, vault=False)} == {TopicEncryption.NONE}
