"""The record of processing (PIPL 55 and 56: 个人信息处理活动记录): each kind of personal data,
and what it is processed for.

Topics, kinds, encryption and retention come from the code that applies them. The purpose, the legal ground, whose data
it is and who receives it are stated here, for each kind of record; tests compare the entries with the fields of the
models. Laws: AFL is the Anti-Telecom and Online Fraud Law, PIPL the Personal Information Protection Law; docs/law.md
says what each article asks for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from console.reference.catalogue import TRAFFIC, Value
from domain.identity.held import PARTIES
from domain.policy.file import Policy
from streams.messaging.codec import BY_INTAKE, WHOLE, may_be_encrypted
from streams.messaging.retention import retention_of
from streams.messaging.topics import Topic


class ProcessingPurpose(StrEnum):
    """The purpose for which data is processed."""

    DETECT = "detect"  # find likely victims
    DISSUADE = "dissuade"  # decide on a case and contact the resident
    STOP = "stop"  # stop-payments and their release
    REGISTER = "register"  # know whom a number belongs to
    HOTLINE = "hotline"  # calls and reports of the public
    RIGHTS = "rights"  # complaints, and requests about one's own data
    DUTY = "duty"  # who is on duty, and who may sign in
    SUPERVISE = "supervise"  # rules, incidents, hand-overs
    ACCOUNT = "account"  # audit and security events
    REPAIR = "repair"  # records that could not be read


class LegalGround(StrEnum):
    """The legal ground: a state organ's statutory duty (PIPL 13 (3) and 34) under the named article: AFL is the
    Anti-Telecom and Online Fraud Law, PIPL the Personal Information Protection Law.
    """

    AFL_18 = "afl_18"
    AFL_20 = "afl_20"
    AFL_32 = "afl_32"
    AFL_34 = "afl_34"
    PIPL_44 = "pipl_44"
    PIPL_47 = "pipl_47"  # data that a law forbids to delete yet is only stored
    PIPL_51 = "pipl_51"


class DataSubject(StrEnum):
    """Whose data it is. OTHERS: payees and holders of suspect numbers; REPORTERS: callers and whoever reports."""

    RESIDENTS = "residents"
    CONTACTS = "contacts"
    OTHERS = "others"
    REPORTERS = "reporters"
    STAFF = "staff"


class DataClass(StrEnum):
    """A class of personal data. SENSITIVE lists those that article 28 of the PIPL protects strictly."""

    NAMES = "names"
    PHONES = "phones"
    ACCOUNTS = "accounts"
    PLACES = "places"
    ID_HASH = "id_hash"
    AGE = "age"
    RELATIONS = "relations"
    SITUATION = "situation"  # flags, answers to questions, evidence
    PAYMENTS = "payments"
    WORDS = "words"  # what people wrote or said
    PICTURES = "pictures"
    SOUND = "sound"  # recorded voices
    LOGINS = "logins"
    UNREAD = "unread"  # whatever a refused record holds


SENSITIVE = frozenset(
    {
        *(DataClass.ACCOUNTS, DataClass.PLACES, DataClass.PAYMENTS),
        *(DataClass.PICTURES, DataClass.SOUND, DataClass.UNREAD),
    }
)


class DataRecipient(StrEnum):
    """Who receives data outside the installation (PIPL 21 and 23)."""

    SMS = "sms"
    VOICE = "voice"
    BANKS = "banks"
    STATIONS = "stations"
    CENTRES = "centres"  # other provinces', to whom suspects are shared
    PROVINCES = "provinces"  # that take a case over
    PROGRAMS = "programs"  # webhooks and the API: codes, and words if two persons agreed


class TopicEncryption(StrEnum):
    """How a record is encrypted on the topic: as a whole, its personal fields, or not."""

    WHOLE = "whole"
    FIELDS = "fields"
    NONE = "none"


FIELDS: Mapping[DataClass, frozenset[str]] = {
    DataClass.NAMES: frozenset({"name", "holder"}),
    DataClass.PHONES: frozenset({"phone", "phones", "scammer_phone", "suspect", *PARTIES["phones"]}),
    DataClass.ACCOUNTS: frozenset({"accounts", "from_account", "own_account", "to_bank", "from_bank"}),
    DataClass.PLACES: frozenset(
        {"division", "division_at", "place", "area", "address", "latitude", "longitude", "household"}
    ),
    DataClass.ID_HASH: frozenset({"id_hash"}),
    DataClass.AGE: frozenset({"birth_year"}),
    DataClass.RELATIONS: frozenset({"contacts", "guardian"}),
    DataClass.SITUATION: frozenset({"flags", "answers", "withdrawn", "evidence", "reasons", "wechat", "scam_link"}),
    DataClass.PAYMENTS: frozenset({*PARTIES["accounts"], "receipt", "movement", "movements", "decision", "authority"}),
    DataClass.WORDS: frozenset({"words", "note", "detail", "reason", "text", "recording"}),
    DataClass.PICTURES: frozenset({"files"}),
    DataClass.SOUND: frozenset({"sound"}),
    DataClass.LOGINS: frozenset(),
    DataClass.UNREAD: frozenset({"raw"}),
}
"""The names of fields that hold each class of data, wherever they stand in a record."""


@dataclass(frozen=True, slots=True)
class Processing:
    """What is done with the personal data of a kind of record, and why."""

    purpose: ProcessingPurpose
    ground: LegalGround
    people: tuple[DataSubject, ...]
    data: tuple[DataClass, ...]
    recipients: tuple[DataRecipient, ...] = ()


_F, _L = ProcessingPurpose, LegalGround
_D, _P, _R = DataClass, DataSubject, DataRecipient
_NUMBERS = (_D.PHONES, _D.ACCOUNTS, _D.PAYMENTS)
_OF_A_CASE = (
    *(_D.NAMES, *_NUMBERS, _D.PLACES, _D.AGE, _D.RELATIONS),
    *(_D.SITUATION, _D.WORDS, _D.PICTURES),
)
_SIGNAL = Processing(_F.DETECT, _L.AFL_18, (_P.RESIDENTS, _P.OTHERS), (*_NUMBERS, _D.WORDS))
_CASE = Processing(
    _F.DISSUADE,
    _L.AFL_34,
    (_P.RESIDENTS, _P.CONTACTS, _P.OTHERS, _P.STAFF),
    _OF_A_CASE,
    (_R.PROGRAMS,),
)
_DISPATCH = Processing(
    _F.DISSUADE,
    _L.AFL_34,
    (_P.RESIDENTS, _P.CONTACTS, _P.OTHERS),
    (_D.NAMES, *_NUMBERS, _D.PLACES, _D.SITUATION, _D.WORDS),
    (_R.SMS, _R.VOICE, _R.STATIONS, _R.BANKS, _R.PROVINCES),
)
_RULES = Processing(_F.SUPERVISE, _L.AFL_34, (_P.STAFF,), (_D.PLACES, _D.WORDS, _D.LOGINS))
_ON_DUTY = Processing(_F.DUTY, _L.AFL_34, (_P.STAFF,), (_D.NAMES, _D.PHONES, _D.PLACES, _D.WORDS, _D.LOGINS))
_REPORTED = (*(_D.NAMES, *_NUMBERS, _D.PLACES), _D.SITUATION, _D.WORDS)

RECORD: Mapping[str, Processing | None] = {
    **dict.fromkeys(("signals", "signal", "sent-again"), _SIGNAL),
    "fan-out": Processing(_F.DETECT, _L.AFL_34, (_P.RESIDENTS, _P.OTHERS), (_D.ACCOUNTS,)),
    "payers-answered": Processing(_F.DETECT, _L.AFL_34, (_P.OTHERS, _P.STAFF), (_D.ACCOUNTS, _D.WORDS, _D.LOGINS)),
    "payers-request": Processing(_F.DETECT, _L.AFL_34, (_P.OTHERS, _P.STAFF), (_D.ACCOUNTS, _D.WORDS, _D.LOGINS)),
    **dict.fromkeys(("journal-entry", "case", "checkpoint-part", "shadow-alert"), _CASE),
    "case-input": replace(_CASE, data=(*_OF_A_CASE, _D.ID_HASH)),  # of whom another province hands over
    "dispatch": _DISPATCH,
    "resident": Processing(
        _F.REGISTER,
        _L.AFL_34,
        (_P.RESIDENTS, _P.CONTACTS),
        (_D.NAMES, _D.PHONES, _D.ACCOUNTS, _D.PLACES, _D.ID_HASH, _D.AGE, _D.RELATIONS, _D.SITUATION),
    ),
    "evidence": Processing(
        _F.DETECT,
        _L.AFL_34,
        (_P.RESIDENTS, _P.OTHERS),
        (_D.SITUATION, _D.PAYMENTS, _D.ACCOUNTS),
    ),
    "alerted": Processing(_F.DETECT, _L.AFL_34, (_P.RESIDENTS,), (_D.SITUATION,)),
    "recording-part": Processing(_F.DISSUADE, _L.AFL_34, (_P.RESIDENTS, _P.CONTACTS, _P.OTHERS, _P.STAFF), (_D.SOUND,)),
    "evidence-picture": Processing(_F.DISSUADE, _L.AFL_34, (_P.RESIDENTS, _P.OTHERS), (_D.PICTURES,)),
    "watch-entry": Processing(_F.DETECT, _L.AFL_34, (_P.OTHERS,), (_D.PHONES, _D.ACCOUNTS)),
    "shared-suspect": Processing(_F.DETECT, _L.AFL_34, (_P.OTHERS,), (_D.PHONES, _D.ACCOUNTS), (_R.CENTRES,)),
    "account": Processing(_F.STOP, _L.AFL_20, (_P.RESIDENTS, _P.OTHERS), (_D.ACCOUNTS,), (_R.BANKS,)),
    "reported-feedback": Processing(
        _F.STOP, _L.AFL_20, (_P.RESIDENTS, _P.OTHERS), (_D.ACCOUNTS, _D.PAYMENTS, _D.WORDS)
    ),
    "bank-message": Processing(_F.STOP, _L.AFL_20, (_P.RESIDENTS, _P.OTHERS), (_D.PAYMENTS, _D.WORDS), (_R.BANKS,)),
    "release-request": Processing(
        _F.STOP,
        _L.AFL_20,
        (_P.RESIDENTS, _P.STAFF),
        (_D.PLACES, _D.SITUATION, _D.WORDS),
        (_R.BANKS,),
    ),
    "call": Processing(_F.HOTLINE, _L.AFL_34, (_P.REPORTERS, _P.RESIDENTS, _P.OTHERS), _REPORTED),
    "call-back": Processing(_F.HOTLINE, _L.AFL_34, (_P.REPORTERS,), (_D.PHONES, _D.LOGINS)),
    "public-report": Processing(_F.HOTLINE, _L.AFL_34, (_P.REPORTERS, _P.OTHERS), _REPORTED),
    "reported-fraud": Processing(
        _F.DISSUADE, _L.AFL_34, (_P.REPORTERS,), (_D.NAMES, _D.PHONES, _D.ACCOUNTS, _D.PLACES, _D.ID_HASH)
    ),
    "fraud-match": Processing(_F.DISSUADE, _L.AFL_34, (_P.RESIDENTS,), (_D.PLACES,)),
    "complaint": Processing(_F.RIGHTS, _L.AFL_32, (_P.RESIDENTS, _P.STAFF), (_D.PLACES, _D.WORDS)),
    "subject-request": Processing(
        _F.RIGHTS, _L.PIPL_44, (_P.RESIDENTS, _P.STAFF), (_D.NAMES, _D.PLACES, _D.AGE, _D.WORDS)
    ),
    "legal-hold": Processing(_F.RIGHTS, _L.PIPL_47, (_P.RESIDENTS, _P.STAFF), (_D.PLACES, _D.LOGINS)),
    "preserved-record": Processing(
        _F.RIGHTS, _L.PIPL_47, (_P.RESIDENTS, _P.CONTACTS, _P.OTHERS), (*_OF_A_CASE, _D.ID_HASH, _D.UNREAD)
    ),
    "search-list": Processing(_F.DISSUADE, _L.AFL_34, (_P.RESIDENTS, _P.STAFF), (_D.NAMES, _D.PLACES, _D.LOGINS)),
    "place": Processing(_F.DISSUADE, _L.AFL_34, (_P.OTHERS,), (_D.NAMES, _D.PLACES)),
    **dict.fromkeys(("roster", "task", "staff-account", "api-token", "alarm"), _ON_DUTY),
    **dict.fromkeys(
        ("policy-in-force", "draft", "incident", "hand-over", "admin-request", "partition-count", "checkpoint-head"),
        _RULES,
    ),  # the last ones name holds: that of the partitions while a growth is under way
    "webhook": Processing(_F.SUPERVISE, _L.AFL_34, (_P.STAFF,), (_D.PLACES, _D.WORDS, _D.LOGINS), (_R.PROGRAMS,)),
    "audit-entry": Processing(_F.ACCOUNT, _L.PIPL_51, (_P.STAFF,), (_D.LOGINS, _D.WORDS)),
    "security-event": Processing(_F.ACCOUNT, _L.PIPL_51, (_P.STAFF,), (_D.LOGINS, _D.PLACES)),
    "dead-letter": Processing(_F.REPAIR, _L.AFL_34, (_P.RESIDENTS, _P.CONTACTS, _P.OTHERS), (_D.UNREAD, _D.WORDS)),
    **dict.fromkeys(
        ("policy", "policy-in-shadow", "feed-profile", "epoch", "epoch-confirmation", "vault"), None
    ),  # no personal data
}
"""For each kind of record (its name in the catalogue) what is done with it; None: it has no personal data."""


@dataclass(frozen=True, slots=True)
class ProcessingLine:
    """One line of the record. `kind`: a kind of record on `topic`; `kept`: None until it is replaced or deleted
    (compacted topics), or for good.
    """

    topic: Topic
    kind: str
    processing: Processing
    kept: timedelta | None
    encrypted: TopicEncryption


def record_of_processing(policy: Policy, vault: bool) -> list[ProcessingLine]:
    """Return the record of processing under a policy, in the catalogue's order, without the kinds that have no personal
    data. `vault`: True if the installation has a vault; without it, nothing is encrypted on the topics.
    """
    kept = retention_of(policy.retention, policy.risk.keep)
    return [
        ProcessingLine(
            each.topic, value.name, found, kept.get(each.topic.name, each.topic.kept), _encryption(each.topic, vault)
        )
        for each in TRAFFIC
        for value in each.values
        if (found := RECORD[value.name]) is not None
    ]


def without_personal_data() -> list[str]:
    """Return the names of the kinds of records that have no personal data, in alphabetical order."""
    return sorted(name for name, found in RECORD.items() if found is None)


def classes_in(value: Value) -> set[DataClass]:
    """Return the classes of data whose fields (FIELDS) the model of a kind of record has, at any depth; empty if the
    record is not JSON.
    """
    if value.adapter is None:
        return set()
    names = set(_field_names(value.adapter.json_schema()))
    return {kind for kind, fields in FIELDS.items() if fields & names}


def _field_names(schema: Any) -> list[str]:  # noqa: ANN401 - whatever JSON has
    if isinstance(schema, list):
        return [name for part in schema for name in _field_names(part)]
    if not isinstance(schema, dict):
        return []
    own = schema.get("properties")
    return [*(own if isinstance(own, dict) else ()), *_field_names(list(schema.values()))]


def _encryption(topic: Topic, vault: bool) -> TopicEncryption:
    if not vault or not may_be_encrypted(topic.name):
        return TopicEncryption.NONE
    return TopicEncryption.WHOLE if topic.name in WHOLE | BY_INTAKE else TopicEncryption.FIELDS
