"""What lies on each topic, who writes it and who reads it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from schemas.administration.audit import AuditEntry
from schemas.administration.dead_letters import letter_adapter
from schemas.administration.drafts import Draft, InShadow
from schemas.administration.vaults import VaultNamed
from schemas.casework.cases import Case
from schemas.casework.epochs import EpochConfirmed, EpochNamed
from schemas.casework.events import Dispatch, journal_adapter
from schemas.casework.inputs import Alert, input_adapter
from schemas.casework.policies import InForce
from schemas.channels.bank_messages import BankMessage
from schemas.channels.releases import ReleaseRequest
from schemas.channels.webhooks import Webhook
from schemas.people.alarms import Alarm
from schemas.people.calls import Call
from schemas.people.complaints import Complaint
from schemas.people.handovers import HandOver
from schemas.people.incidents import Incident
from schemas.people.residents import Resident
from schemas.people.rosters import Roster, Task
from schemas.people.staff import Account, ApiToken
from schemas.risk.evidence import Alerted, Evidence, WatchEntry
from schemas.risk.fan_outs import FanOut, PayersAnswered, PayersRequest
from schemas.risk.feeds import FeedProfile
from schemas.risk.signals import SentAgain, Signal, SignalBatch
from streams.messaging import topics
from streams.messaging.topics import Topic

JSON, TOML, TEXT = "application/json", "application/toml", "text/plain"


@dataclass(frozen=True, slots=True)
class Value:
    """One kind of record. `key`: a pattern of the keys under which it lies; `adapter`: none where it is no JSON."""

    name: str
    about: str
    adapter: TypeAdapter[Any] | None
    content: str = JSON
    key: str = ".+"
    dropped: bool = False  # a record of the same key without a value takes it back


@dataclass(frozen=True, slots=True)
class Traffic:
    """What goes over a topic. `writes` and `reads` name parts (PARTS)."""

    topic: Topic
    values: tuple[Value, ...]
    writes: tuple[str, ...]
    reads: tuple[str, ...]


PARTS = {
    "intake": "takes signals in, over HTTP and from files",
    "screening": "an agent: from signals to residents at risk, and to alerts",
    "casework": "an agent: decides each case, in the order of its inputs",
    "board": "an agent: queues, figures and snapshots from the journal",
    "deadlines": "a worker's loop: what fell due becomes an input",
    "auditor": "a worker's loop: looks for cases that do not go on by themselves",
    "red": "an agent: all of red's dispatches, in slots of their own",
    "sms": "an agent: text messages",
    "phone": "an agent: robot calls",
    "visits": "an agent: officers and grid workers",
    "payments": "an agent: stop-payments",
    "receipts": "takes in over HTTP what providers tell of a dispatch",
    "feeds": "a worker's loop: how each feed usually sends, and which is silent",
    "register": "the register of residents",
    "policies": "policies in force, their breaker and their holds",
    "console": "the console: pages, its API, webhooks",
    "letters": "dead letters: listed, mended, sent again",
    "commands": "commands of an operator: reports, exports, bundles, back-tests",
    "epoch": "a worker's loop: which Redis leads, and whether this worker may act",
    "vault": "seals what tells of a person, and opens it again",
    "store": "fills Redis again from the topics when it was lost",
}

CHANNELS = ("red", "sms", "phone", "visits", "payments")

_TAKEN = Value("case-input", "what happened to a case, from outside", input_adapter, key="^(r[a-z2-7]+|rules)$")
_DISPATCH = Value(
    "dispatch", "a command to a channel; its id is the same however often it is written", TypeAdapter(Dispatch)
)
_SIGNALS = (
    Value("signals", "signals that intake took in together, of one shard", TypeAdapter(SignalBatch)),
    Value("signal", "a lone signal, as another program may write it; read as an array of one", TypeAdapter(Signal)),
    Value("sent-again", "what a dead letter held, mended", TypeAdapter(SentAgain)),
    Value("fan-out", "the next slice of those who paid a suspect before", TypeAdapter(FanOut)),
    Value("payers-answered", "a person's decision whether they are alerted", TypeAdapter(PayersAnswered)),
)


def _kept(topic: Topic, name: str, about: str, model: type[Any]) -> Traffic:
    """Things of the console's: it writes and reads them, and Redis is filled from them."""
    value = Value(name, about, TypeAdapter(model), dropped=True)
    return Traffic(topic, (value,), ("console",), ("console", "store"))


TRAFFIC = (
    Traffic(topics.SIGNALS_URGENT, _SIGNALS, ("intake", "letters", "console", "screening"), ("screening", "commands")),
    Traffic(topics.SIGNALS, _SIGNALS, ("intake", "letters", "console", "screening"), ("screening", "commands")),
    Traffic(
        topics.CASE_INPUTS,
        (_TAKEN,),
        ("screening", "deadlines", "auditor", *CHANNELS, "receipts", "console", "policies", "letters"),
        ("casework", "store", "commands"),
    ),
    Traffic(
        topics.CASE_EVENTS,
        (
            Value(
                "journal-entry", "what one input made of a case, or a partition's rules from here on", journal_adapter
            ),
        ),
        ("casework",),
        ("board", "store", "console", "commands"),
    ),
    Traffic(
        topics.CASE_SNAPSHOTS,
        (Value("case", "a case's latest state", TypeAdapter(Case)),),
        ("board", "auditor"),
        ("store",),
    ),
    Traffic(topics.DISPATCHES_RED, (_DISPATCH,), ("casework", "letters"), ("red",)),
    Traffic(topics.DISPATCHES_SMS, (_DISPATCH,), ("casework", "letters"), ("sms",)),
    Traffic(topics.DISPATCHES_PHONE, (_DISPATCH,), ("casework", "letters"), ("phone",)),
    Traffic(topics.DISPATCHES_VISIT, (_DISPATCH,), ("casework", "letters"), ("visits",)),
    Traffic(topics.DISPATCHES_PAYMENT, (_DISPATCH,), ("casework", "letters"), ("payments",)),
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
                "one member of a resident's evidence: personal data",
                TypeAdapter(Evidence),
                key="^r[a-z2-7]+-[0-9a-f]+$",
            ),
            Value("alerted", "what casework was told of a resident", TypeAdapter(Alerted), key="^r[a-z2-7]+-alerted$"),
        ),
        ("screening",),
        ("store",),
    ),
    Traffic(
        topics.WATCHLIST,
        (Value("watch-entry", "how a suspect account or telephone stands", TypeAdapter(WatchEntry)),),
        ("screening",),
        ("store", "commands"),
    ),
    Traffic(
        topics.POLICIES,
        (
            Value("policy", "a policy's text, under its content's hash", None, TOML, "^[0-9a-f]{16}$"),
            Value("policy-in-force", "which policy is in force", TypeAdapter(InForce), key="^in-force$"),
            Value("policy-in-shadow", "which policy is scored beside it", TypeAdapter(InShadow), key="^in-shadow$"),
        ),
        ("policies",),
        ("store",),
    ),
    Traffic(
        topics.ROSTERS,
        (
            Value("roster", "a station's people and shifts", TypeAdapter(Roster), key="^station/.+$"),
            Value("task", "a visit that somebody was given", TypeAdapter(Task), key="^task/.+$", dropped=True),
        ),
        ("visits", "receipts", "console"),
        ("store",),
    ),
    Traffic(
        topics.ACCOUNTS,
        (Value("account", "a bank account, for which its token stands: personal data", None, TEXT, dropped=True),),
        ("screening", "commands"),
        ("store",),
    ),
    Traffic(
        topics.FEEDS,
        (Value("feed-profile", "how a source usually sends", TypeAdapter(FeedProfile)),),
        ("feeds",),
        ("store",),
    ),
    Traffic(
        topics.STAFF,
        (
            Value("staff-account", "who may sign in at the console", TypeAdapter(Account), key="^[^/]+$"),
            Value("api-token", "by which a program acts", TypeAdapter(ApiToken), key="^token/.+$", dropped=True),
        ),
        ("console",),
        ("console", "store"),
    ),
    _kept(topics.DRAFTS, "draft", "a policy that is being written", Draft),
    Traffic(
        topics.ALARMS,
        (Value("alarm", "an officer's alarm, and who took it up", TypeAdapter(Alarm)),),
        ("console", "deadlines"),
        ("store",),
    ),
    _kept(topics.WEBHOOKS, "webhook", "a program that is told of cases", Webhook),
    _kept(topics.COMPLAINTS, "complaint", "a complaint and what was done about it", Complaint),
    _kept(topics.INCIDENTS, "incident", "a campaign that was declared a major incident", Incident),
    _kept(topics.RELEASES, "release-request", "a stop that somebody asks to lift", ReleaseRequest),
    Traffic(
        topics.PAYERS_REQUESTS,
        (Value("payers-request", "whether those who paid a suspect are alerted", TypeAdapter(PayersRequest)),),
        ("screening",),
        ("console", "store"),
    ),
    _kept(topics.HANDOVERS, "hand-over", "a shift's sheet, and who confirmed it", HandOver),
    Traffic(
        topics.EPOCHS,
        (
            Value("epoch", "from here on this Redis leads", TypeAdapter(EpochNamed), key="^epoch/.+$"),
            Value(
                "epoch-confirmation",
                "that a worker was there while the epoch was in force",
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
        topics.CALLS,
        (Value("call", "a call to 96110, and what was told: personal data", TypeAdapter(Call)),),
        ("console",),
        ("console",),
    ),
    Traffic(
        topics.BANK_MESSAGES,
        (Value("bank-message", "what a bank told of a stop-payment", TypeAdapter(BankMessage)),),
        ("receipts",),
        ("console",),
    ),
    Traffic(
        topics.AUDIT,
        (Value("audit-entry", "who looked at or did what, and why; a line of a chain", TypeAdapter(AuditEntry)),),
        ("console", "commands", "letters", "policies", "feeds", "auditor"),
        ("console", "commands", "letters"),
    ),
    Traffic(
        topics.SHADOW,
        (Value("shadow-alert", "an alert of a policy in shadow, which goes to nobody", TypeAdapter(Alert)),),
        ("screening",),
        (),
    ),
    Traffic(
        topics.DEAD_LETTERS,
        (Value("dead-letter", "what could not be read, as it came: perhaps personal data", letter_adapter),),
        ("intake", "screening", "casework", *CHANNELS),
        ("letters", "store"),
    ),
)


def values(traffic: Iterable[Traffic] = TRAFFIC) -> dict[str, Value]:
    """Each kind of record once, by its name."""
    return {value.name: value for each in traffic for value in each.values}
