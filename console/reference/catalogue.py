"""The contents of each topic: its kinds of records, and the parts of Quanzu that write and read it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from schemas.administration.audit import AuditEntry
from schemas.administration.checkpoints import CheckpointHead, CheckpointPart
from schemas.administration.dead_letters import letter_adapter
from schemas.administration.drafts import Draft, InShadow
from schemas.administration.partition_counts import PartitionCount
from schemas.administration.requests import AdminRequest
from schemas.administration.security_events import SecurityEvent
from schemas.administration.vaults import VaultNamed
from schemas.casework.call_recordings import RecordingPart
from schemas.casework.cases import Case
from schemas.casework.epochs import EpochConfirmed, EpochNamed
from schemas.casework.events import Dispatch, journal_adapter
from schemas.casework.evidence_files import EvidencePicture
from schemas.casework.inputs import Alert, input_adapter
from schemas.casework.policies import InForce
from schemas.channels.bank_messages import BankMessage, ReportedFeedback
from schemas.channels.call_backs import CallBack
from schemas.channels.releases import ReleaseRequest
from schemas.channels.webhooks import Webhook
from schemas.people.alarms import Alarm
from schemas.people.calls import Call
from schemas.people.complaints import Complaint
from schemas.people.handovers import HandOver
from schemas.people.incidents import Incident
from schemas.people.legal_holds import LegalHold, PreservedRecord
from schemas.people.places import PublicPlace, SearchList
from schemas.people.public_reports import PublicReport
from schemas.people.residents import Resident
from schemas.people.rosters import Roster, Task
from schemas.people.staff import Account, ApiToken
from schemas.people.subject_requests import SubjectRequest
from schemas.risk.evidence import Alerted, Evidence, WatchEntry
from schemas.risk.fan_outs import FanOut, PayersAnswered, PayersRequest
from schemas.risk.feeds import FeedProfile
from schemas.risk.reported_frauds import FraudMatch, ReportedFraud
from schemas.risk.sharing import SharedSuspect
from schemas.risk.signals import SentAgain, Signal, SignalBatch
from streams.messaging import topics
from streams.messaging.topics import Topic

JSON, TOML, TEXT = "application/json", "application/toml", "text/plain"


@dataclass(frozen=True, slots=True)
class Value:
    """One kind of record. `about`: a short description; `key`: a regular expression that its keys match; `adapter`: its
    model, None if it is not JSON; `content`: its media type.

    `dropped`: True if a record with the same key and without a value deletes it.
    """

    name: str
    about: str
    adapter: TypeAdapter[Any] | None
    content: str = JSON
    key: str = ".+"
    dropped: bool = False  # a record of the same key without a value deletes it


@dataclass(frozen=True, slots=True)
class Traffic:
    """A topic with its kinds of records. `writes`, `reads`: names from PARTS."""

    topic: Topic
    values: tuple[Value, ...]
    writes: tuple[str, ...]
    reads: tuple[str, ...]


PARTS = {
    "intake": "accepts signals over HTTP and from files",
    "screening": "an agent: turns signals into evidence about residents, and into alerts",
    "outside": "an agent: passes on what providers and banks report, if they may report it",
    "fraud-matching": "an agent: matches the police's records of frauds to residents",
    "casework": "an agent: decides each case, in the order of its inputs",
    "board": "an agent: queues, figures and snapshots from the journal",
    "deadlines": "a worker's loop: writes an input for each deadline that is reached",
    "auditor": "a worker's loop: finds cases that are stuck",
    "red": "an agent: all dispatches of red cases, with separate capacity",
    "sms": "an agent: text messages",
    "phone": "an agent: robot calls",
    "visits": "an agent: officers and grid workers",
    "payments": "an agent: stop-payments",
    "provinces": "an agent: cases that are offered to other provinces",
    "receipts": "accepts providers' results of dispatches over HTTP",
    "checkpoints": "a worker's loop: writes each partition's store to a topic, from which a lost one is rebuilt",
    "experiments": "a worker's loop: reads what the arms of experiments show, and stops one that does harm",
    "feeds": "a worker's loop: learns how each feed sends, and reports outages",
    "register": "the register of residents",
    "policies": "policies in force, their breaker and their holds",
    "console": "the console: pages, its API, webhooks",
    "letters": "dead letters: list, repair, send again",
    "commands": "an operator's commands: reports, exports, bundles, back-tests",
    "epoch": "a worker's loop: checks which Redis is the primary, and whether this worker may act",
    "vault": "encrypts and decrypts personal data",
    "store": "rebuilds Redis from the topics after a loss",
}

CHANNELS = ("red", "sms", "phone", "visits", "payments", "provinces")

_TAKEN = Value("case-input", "an event from outside that a case must handle", input_adapter, key="^(r[a-z2-7]+|rules)$")
_FEEDBACK = Value(
    "reported-feedback",
    "a bank's answer about a stop-payment, with its message and the account numbers: personal data",
    TypeAdapter(ReportedFeedback),
)
_DISPATCH = Value("dispatch", "a command to a channel; a repeated one has the same id", TypeAdapter(Dispatch))
_SIGNALS = (
    Value("signals", "signals of one shard that intake accepted together", TypeAdapter(SignalBatch)),
    Value("signal", "a single signal, as another program may write it", TypeAdapter(Signal)),
    Value("sent-again", "the repaired content of a dead letter", TypeAdapter(SentAgain)),
    Value("fan-out", "the next slice of the earlier payers of a suspect account", TypeAdapter(FanOut)),
    Value("payers-answered", "a person's decision whether the earlier payers are warned", TypeAdapter(PayersAnswered)),
)


def _kept(topic: Topic, name: str, about: str, model: type[Any]) -> Traffic:
    """Return the traffic of a topic that the console writes and reads, and from which Redis is rebuilt."""
    value = Value(name, about, TypeAdapter(model), dropped=True)
    return Traffic(topic, (value,), ("console",), ("console", "store"))


TRAFFIC = (
    Traffic(topics.SIGNALS_URGENT, _SIGNALS, ("intake", "letters", "console", "screening"), ("screening", "commands")),
    Traffic(topics.SIGNALS, _SIGNALS, ("intake", "letters", "console", "screening"), ("screening", "commands")),
    Traffic(topics.OUTSIDE_INPUTS, (_TAKEN, _FEEDBACK), ("receipts", "letters"), ("outside",)),
    Traffic(
        topics.REPORTED_FRAUDS,
        (
            Value(
                "reported-fraud",
                "a fraud in the police's records, with its victim: personal data",
                TypeAdapter(ReportedFraud),
            ),
        ),
        ("intake", "commands"),
        ("fraud-matching",),
    ),
    Traffic(
        topics.CASE_INPUTS,
        (_TAKEN,),
        (
            "screening",
            "fraud-matching",
            "deadlines",
            "auditor",
            *CHANNELS,
            "outside",
            "console",
            "policies",
            "letters",
        ),
        ("casework", "store", "commands"),
    ),
    Traffic(
        topics.CASE_EVENTS,
        (
            Value(
                "journal-entry",
                "the result of a case input, or a partition's new rules",
                journal_adapter,
            ),
        ),
        ("casework",),
        ("board", "store", "console", "commands", "experiments", "checkpoints"),
    ),
    Traffic(
        topics.CASE_SNAPSHOTS,
        (Value("case", "a case's latest state", TypeAdapter(Case)),),
        ("board", "auditor"),
        ("store",),
    ),
    Traffic(
        topics.CHECKPOINTS,
        (
            Value(
                "checkpoint-head",
                "which parts make a checkpoint of a partition's store, and of which input",
                TypeAdapter(CheckpointHead),
                key="^head/.$",
                dropped=True,
            ),
            Value(
                "checkpoint-part",
                "a case, applied inputs or sums of a checkpoint",
                TypeAdapter(CheckpointPart),
                key="^[ab]/[0-9]+$",
            ),
        ),
        ("checkpoints", "commands"),
        ("checkpoints", "store"),
    ),
    Traffic(topics.DISPATCHES_RED, (_DISPATCH,), ("casework", "letters"), ("red",)),
    Traffic(topics.DISPATCHES_SMS, (_DISPATCH,), ("casework", "letters"), ("sms",)),
    Traffic(topics.DISPATCHES_PHONE, (_DISPATCH,), ("casework", "letters"), ("phone",)),
    Traffic(topics.DISPATCHES_VISIT, (_DISPATCH,), ("casework", "letters"), ("visits",)),
    Traffic(topics.DISPATCHES_PAYMENT, (_DISPATCH,), ("casework", "letters"), ("payments",)),
    Traffic(topics.DISPATCHES_PROVINCE, (_DISPATCH,), ("casework", "letters"), ("provinces",)),
    Traffic(
        topics.RESIDENTS,
        (Value("resident", "one person of the register: personal data", TypeAdapter(Resident), dropped=True),),
        ("register",),
        ("store",),
    ),
    Traffic(
        topics.EVIDENCE,
        (
            Value(
                "evidence",
                "one piece of evidence about a resident: personal data",
                TypeAdapter(Evidence),
                key="^r[a-z2-7]+-[0-9a-f]+$",
            ),
            Value(
                "alerted",
                "the last alert about a resident",
                TypeAdapter(Alerted),
                key="^r[a-z2-7]+-alerted$",
            ),
        ),
        ("screening",),
        ("store",),
    ),
    Traffic(
        topics.CALL_RECORDINGS,
        (
            Value(
                "recording-part",
                "the key of a recording of an operator's call, or a part of its encrypted sound: personal data",
                TypeAdapter(RecordingPart),
                key="^r[a-z2-7]+-[0-9]+-[0-9a-f]+-[0-9]+-[0-9]+$",
            ),
        ),
        ("console", "receipts"),
        ("console",),
    ),
    Traffic(
        topics.EVIDENCE_FILES,
        (
            Value(
                "evidence-picture",
                "a picture that was added to a case as evidence: personal data",
                TypeAdapter(EvidencePicture),
                key="^r[a-z2-7]+-[0-9]+-[0-9a-f]+-[0-9]+$",
            ),
        ),
        ("console",),
        ("console",),
    ),
    Traffic(
        topics.WATCHLIST,
        (Value("watch-entry", "the status of a suspect account or telephone", TypeAdapter(WatchEntry)),),
        ("screening",),
        ("store", "commands", "console"),
    ),
    Traffic(
        topics.SHARED_SUSPECTS,
        (
            Value(
                "shared-suspect",
                "a suspect that other centres may be told of, with its number: personal data",
                TypeAdapter(SharedSuspect),
            ),
        ),
        ("screening",),
        ("intake",),
    ),
    Traffic(
        topics.POLICIES,
        (
            Value("policy", "a policy's text, under its content's hash", None, TOML, "^[0-9a-f]{16}$"),
            Value("policy-in-force", "which policy is in force", TypeAdapter(InForce), key="^in-force$"),
            Value("policy-in-shadow", "which policy is evaluated in shadow", TypeAdapter(InShadow), key="^in-shadow$"),
        ),
        ("policies",),
        ("store",),
    ),
    Traffic(
        topics.ROSTERS,
        (
            Value("roster", "a station's people and shifts", TypeAdapter(Roster), key="^station/.+$"),
            Value("task", "a visit assigned to an officer", TypeAdapter(Task), key="^task/.+$", dropped=True),
        ),
        ("visits", "receipts", "console"),
        ("store",),
    ),
    Traffic(
        topics.ACCOUNTS,
        (Value("account", "the bank account behind a token: personal data", None, TEXT, dropped=True),),
        ("screening", "outside", "commands"),
        ("store",),
    ),
    Traffic(
        topics.FEEDS,
        (Value("feed-profile", "a source's usual sending pattern", TypeAdapter(FeedProfile)),),
        ("feeds",),
        ("store",),
    ),
    Traffic(
        topics.STAFF,
        (
            Value("staff-account", "who may sign in at the console", TypeAdapter(Account), key="^[^/]+$"),
            Value("api-token", "the token of a program", TypeAdapter(ApiToken), key="^token/.+$", dropped=True),
        ),
        ("console",),
        ("console", "store"),
    ),
    _kept(topics.DRAFTS, "draft", "a draft of a policy", Draft),
    Traffic(
        topics.ALARMS,
        (Value("alarm", "an officer's alarm, and who acknowledged it", TypeAdapter(Alarm)),),
        ("console", "deadlines"),
        ("store",),
    ),
    _kept(topics.WEBHOOKS, "webhook", "a program that receives case events", Webhook),
    _kept(topics.COMPLAINTS, "complaint", "a complaint and what was done about it", Complaint),
    _kept(topics.INCIDENTS, "incident", "a campaign that was declared a major incident", Incident),
    _kept(topics.RELEASES, "release-request", "a request to lift a stop-payment", ReleaseRequest),
    _kept(
        topics.PUBLIC_REPORTS, "public-report", "a report of the public page: personal data, unchecked", PublicReport
    ),
    Traffic(
        topics.CALL_BACKS,
        (Value("call-back", "a number that the centre owes a call", TypeAdapter(CallBack), dropped=True),),
        ("receipts",),
        ("store",),
    ),
    Traffic(
        topics.FRAUD_MATCHES,
        (
            Value(
                "fraud-match",
                "to which resident a record of a fraud was matched, or why to none",
                TypeAdapter(FraudMatch),
            ),
        ),
        ("fraud-matching",),
        ("fraud-matching", "store", "console", "commands"),
    ),
    Traffic(
        topics.PAYERS_REQUESTS,
        (
            Value(
                "payers-request",
                "whether the payers of a suspect are warned",
                TypeAdapter(PayersRequest),
            ),
        ),
        ("screening",),
        ("console", "store"),
    ),
    Traffic(
        topics.SUBJECT_REQUESTS,
        (
            Value(
                "subject-request",
                "a person's request to see, correct or erase their data: personal data",
                TypeAdapter(SubjectRequest),
            ),
        ),
        ("console", "commands"),
        ("console", "store", "commands"),
    ),
    Traffic(
        topics.LEGAL_HOLDS,
        (Value("legal-hold", "an order to keep all data about a person", TypeAdapter(LegalHold)),),
        ("console",),
        ("console", "store", "commands"),
    ),
    Traffic(
        topics.PLACES,
        (Value("place", "a place where residents may be looked for", TypeAdapter(PublicPlace), dropped=True),),
        ("commands",),
        ("console", "store"),
    ),
    Traffic(
        topics.SEARCHES,
        (
            Value(
                "search-list",
                "the places of a search for a resident, until they are erased: personal data",
                TypeAdapter(SearchList),
                dropped=True,
            ),
        ),
        ("console", "deadlines"),
        ("console", "store"),
    ),
    Traffic(
        topics.PRESERVED,
        (
            Value(
                "preserved-record",
                "a copy of a record about a person whose data must be kept: personal data",
                TypeAdapter(PreservedRecord),
                key="^r[a-z2-7]+-.+$",
                dropped=True,
            ),
        ),
        ("commands",),
        ("commands",),
    ),
    _kept(topics.HANDOVERS, "hand-over", "a shift's hand-over sheet, and who confirmed it", HandOver),
    _kept(topics.ADMIN_REQUESTS, "admin-request", "an act of administration that needs two persons", AdminRequest),
    Traffic(
        topics.EPOCHS,
        (
            Value("epoch", "which Redis is the primary from here on", TypeAdapter(EpochNamed), key="^epoch/.+$"),
            Value(
                "epoch-confirmation",
                "a worker's confirmation that the epoch was in force",
                TypeAdapter(EpochConfirmed),
                key="^confirmation$",
            ),
        ),
        ("epoch",),
        ("epoch",),
    ),
    Traffic(
        topics.VAULTS,
        (
            Value(
                "vault",
                "which vault holds the keys of the installation's records",
                TypeAdapter(VaultNamed),
                key="^vault$",
            ),
        ),
        ("vault", "commands"),
        ("vault",),
    ),
    Traffic(
        topics.PARTITION_COUNT,
        (
            Value(
                "partition-count",
                "how many partitions the installation has, and how far a change of their number is",
                TypeAdapter(PartitionCount),
                key="^partitions$",
            ),
        ),
        ("commands",),
        ("commands",),
    ),
    Traffic(
        topics.CALLS,
        (Value("call", "a call to 96110 and its statements: personal data", TypeAdapter(Call)),),
        ("console",),
        ("console",),
    ),
    Traffic(
        topics.BANK_MESSAGES,
        (Value("bank-message", "a bank's message about a stop-payment", TypeAdapter(BankMessage)),),
        ("outside",),
        ("console",),
    ),
    Traffic(
        topics.AUDIT,
        (Value("audit-entry", "who saw or did what, and why; an entry of a chain", TypeAdapter(AuditEntry)),),
        ("console", "commands", "letters", "policies", "feeds", "auditor"),
        ("console", "commands", "letters"),
    ),
    Traffic(
        topics.SECURITY_EVENTS,
        (Value("security-event", "a failed sign-in, a refusal, a revealing …", TypeAdapter(SecurityEvent)),),
        ("console",),
        (),
    ),
    Traffic(
        topics.SHADOW,
        (Value("shadow-alert", "an alert of a shadow policy, which warns nobody", TypeAdapter(Alert)),),
        ("screening",),
        (),
    ),
    Traffic(
        topics.DEAD_LETTERS,
        (Value("dead-letter", "an unreadable record, unchanged: may hold personal data", letter_adapter),),
        ("commands", "screening", "outside", "fraud-matching", "casework", *CHANNELS),
        ("letters", "store"),
    ),
)


def values(traffic: Iterable[Traffic] = TRAFFIC) -> dict[str, Value]:
    """Return the kinds of records of all topics in `traffic`, by name, in the order of the topics; each kind once."""
    return {value.name: value for each in traffic for value in each.values}
