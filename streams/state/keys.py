"""The names of all Redis keys, and the format of times in Redis.

Exceptions: the keys of the vault, which is a separate Redis (security/vault), of the clocks (runtime/clock), and
of tables with the names of their topics (compacted_table).
"""

from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

RECENT_SUSPECTS = 100  # latest confirmed suspects listed in `suspects`
RECENTLY = 20  # most recently changed cases listed in `recent`
APPLIED_KEPT = timedelta(days=9)  # longer than any input stays on its topic
EARLIER_KEPT = timedelta(days=120)  # over the 90 days after a warning that count against it; the journal keeps all

# The keys of a partition's cases, in the order of the KEYS of the commit script.
STATE, CASES, EARLIER, APPLIED, DEADLINES, QUEUE, HELD, OUTBOX, HOLDS, SETTLED, ALERTED, LEDGER, COUNTS = range(13)
RECENT, AWAITED, UNSURE, SETTLING, RAISED, CLOSED, BOOKS, LOST, FREEZES = range(13, 22)
StateName = Literal[
    # hash: offset, policy, `run` (of the Redis that made the last commit), `journal` (a journal offset: later commits
    # are published after it); after a loss, `end` (the offset where it is complete); while empty, `rebuilding`
    "state",
    "cases",  # hash: resident -> the latest case
    "earlier",  # hash: case id -> a case that was followed by another
    "applied",  # sorted set: input id -> its time
    "deadlines",  # sorted set: case|step -> due time
    "queue",  # sorted set: case -> rank, for the desk
    "held",  # set: residents with a step held back
    "outbox",  # hash: entry's name (offset/...) -> journal entry not known to be published
    "holds",  # hash: hold id -> hold
    "settled",  # hash: resident -> when the case was settled
    "alerted",  # hash: resident -> the alerts that screening has raised
    "ledger",  # hash: name of a total -> its sum over the partition, in fen
    "counts",  # hash: name of a count (domain/statistics/counts) -> number
    "recent",  # sorted set: case -> when it last changed; the latest RECENTLY cases
    "awaited",  # set: dispatches whose result a step waits for
    "unsure",  # set: dispatches that may have been sent by a store that was lost
    "settling",  # string: exists while a worker may still be sending an unsure dispatch
    "raised",  # hash: policy|minute -> number of cases raised, for the breaker
    "closed",  # sorted set: case of `earlier` -> when it last changed
    "books",  # hash: day, month or year, and line (domain/payments/books) -> by how much it changed then
    "lost",  # hash: resident -> their latest loss, if it shields them
    "freezes",  # sorted set: case|step of the order|division -> when its freeze needs a person
]
NAMES: tuple[StateName, ...] = get_args(StateName)

Beside = Literal[
    "boarded",  # string: log:offset of the highest input of the journal entries whose latencies were observed
    "owned",  # string: exists while a worker owns the partition
    "covered",  # string: exists while another worker fires the deadlines of a silent owner
    "auditing",  # string: the lease of the worker that audits its cases
    "audited",  # hash: the result of the latest audit of its cases
    "claim",  # string, and a case's id: the operator who has claimed it
    "calling",  # string, and a case's id: exists while the desk's telephone rings its resident
    "dispatch",  # string, and a dispatch's id: its progress
    # string, and a channel's receipt and its nonce: exists while a repetition is refused; or a bank's answer: a keyed
    # hash of its content
    "receipt-nonce",
    "lease",  # string, and a dispatch's id: the worker that carries it out
    "evidence",  # hash, and a resident: evidence id -> evidence
    "rescore",  # sorted set: resident -> when to assess them again without a new signal
    "life",  # string: a random name; a missing or new one shows that the partition's Redis was emptied
    "tally",  # hash: source|outcome -> number of signals
    "shadow-alerted",  # hash: resident -> the shadow policy, and the alerts that it would have raised
    "residents",  # hash: resident -> their entry
    "phones",  # hash: telephone number -> its owners
    "accounts",  # hash: account -> its owners
    "idhashes",  # hash: keyed hash of an ID number -> its owners
    "accounts-by-token",  # hash: a payee's token -> the account
    "watch",  # hash: subject -> its entry on the watchlist
    "abandoned",  # string, and a payee check's name: exists once its abandoned payment was counted
    "payers",  # sorted set, and an account's token: payments to it
    "suspects",  # sorted set: subject of a confirmed account or number -> when; the latest RECENT_SUSPECTS
    "fan-out",  # string, and a fan-out's id: number of its finished slices
]
"""Keys of a partition that the case store's scripts do not change."""

LaneName = Literal["screened", "screened-in", "stood", "owed", "again", "began", "began-again"]
"""Keys of one partition of one lane of signals: the offset screened, in which Redis, who may count, what is owed, and
which batch began last (`began-again`: of records screened again).
"""

KeyName = StateName | Beside | LaneName

WHOLE = "whole"  # string: the app id of the installation whose data this is
# With the mark's hash tag, because a script uses several of them:
WHOLE_RUN = "run:{whole}"  # string: the run of the Redis in which the data was last complete
WHOLE_HASHED = "hashed:{whole}"  # string: a fingerprint of the key of the hashes (QUANZU_SECRET)
WHOLE_PARTITIONS = "partitions:{whole}"  # string: the number of partitions for which its keys are placed
WHOLE_GROWING = "growing:{whole}"  # string: token of the command that changes the number of partitions
WHOLE_ENDS = "ends:{whole}"  # hash: `now` and `before` -> the shared topics' end offsets, TURN_MS apart
WHOLE_TURN = "turn:{whole}"  # string: exists until the ends are due to be read again
WHOLE_LOCK = "restoring:{whole}"  # string: token of the process that restores
WHOLE_SETTLING = "settling:{whole}"  # string: exists while a holder of a lease in the lost Redis may still act on it

TOPIC_IDS = "topic-ids"  # hash: topic/partition -> the id of the topic that the partition's offset in Redis is of
DRAINING = "draining"  # string: the drain in force; absent: intake is open
FEEDS_HEARD = "heard:{feeds}"  # hash: source|window -> number of signals, until a profile has learnt them
FEEDS_PROFILES = "profiles:{feeds}"  # hash: source -> FeedProfile
FEEDS_SILENT = "silent:{feeds}"  # hash: source -> Silence, while its alarm is active
FEEDS_WATCH = "watch:{feeds}"  # hash: `began`, `since`: ms of the clock; `judged`, `kept`: wall-clock seconds
FEEDS_JUDGING = "judging:{feeds}"  # string: lease of the one worker that judges

BREAKER_LOOKING = "breaker:looking"  # string: a worker has just checked the policies
BREAKER_FORGETTING = "breaker:forgetting"  # string: a worker has just deleted old minutes
EXPERIMENTS_READING = "experiments:reading"  # string: a worker has just read the experiments
EXPERIMENT_READINGS = "experiment-readings"  # hash: experiment -> its latest reading; computed from the journal
AFTER_WARNING = "after-warning"  # hash: `at`, `reading`: the latest AfterWarningReading; computed from the cases
AFTER_WARNING_READING = "after-warning:reading"  # string: the lease of the worker that computes it
SHADOW_COUNTS = "shadow-counts"  # hash: policy|day|level|whose -> alerts; lost with Redis
VISIT_LEASE = "visit-lease:"  # string, and a place: the dispatch for which a visit there is arranged
WEBHOOK_HEALTH = "webhook-health"  # hash: id -> Health and the last answer
AUDIT_HEADS = "audit-heads"  # hash: chain -> its head
AUDIT_HEADS_AT = "audit-heads-at"  # sorted set: chain -> when its last line was written, in ms since 1970
AUDIT_VERIFIED = "audit-verified"  # string: the result of the last verification

POLICIES = "policies"  # hash: content's hash -> TOML
ROSTER = "roster"  # hash: station -> roster
VISIT_TASKS = "visit-tasks"  # hash: dispatch -> task
VISIT_AT = "visit-at"  # hash: place -> dispatch id of the latest visit there that joined no other
VISIT_JOINED = "visit-joined"  # hash: dispatch id -> dispatch id of the visit that it joined
VISIT_LAST = "visit-last"  # hash: resident -> officer who saw them last; a preference, which may be lost
CHECK_INS = "check-ins"  # sorted set: dispatch id -> when its officer must check in as safe; derived from the tasks
ESCALATIONS = "escalations"  # hash: dispatch id -> what was tried to make its officer accept
ESCALATIONS_DUE = "escalations-due"  # sorted set: dispatch id -> when its next rung is due
ESCALATING = "escalating:"  # string, and a dispatch id: the lease of the worker that takes its next rung
SEARCHING = "searching"  # string: the lease of the worker that tells officers of searches and erases their places
PUSH_SUBSCRIPTIONS = "push-subscriptions"  # hash: id -> subscription
STAFF_ACCOUNTS = "staff"  # hash: login -> account
STAFF_TOKENS = "staff-tokens"  # hash: a token's id -> the token
STAFF_WHOLE = "staff-whole"  # string: both are complete; "tokens" or "none": whether there is a token
STAFF_LOCK = "staff-lock"  # string: lock on changes of accounts
PUBLIC_REPORTS_AT = "public-reports-at"  # sorted set: report's id -> when it came
PUBLIC_REPORTS_NUMBERS = "public-reports-numbers"  # hash: reference number -> report's id
PUBLIC_REPORTS_COUNTIES = "public-reports-counties"  # set: codes of the counties that have had a report
PUBLIC_REPORTS_OF = "public-reports-of:"  # sorted set, and state and county: report's id -> when it came or was decided
SUBJECT_FILE = "subject-file:"  # string, and a request's id: the copy of a person's data that the console hands over
ALARMS_OPEN = "alarms-open"  # set: ids of unacknowledged alarms
ALARMS_MARK = "alarms-mark"  # string: counts the changes, for a page that polls it
CALL = "call:"  # string, and a call's id: the Call
RINGING = "ringing"  # hash: call id -> Ringing
WRONG_CODES = "wrong-codes:"  # sorted set, and a case's id: form -> time of the wrong code

SESSION = "session:"  # string, and the token's hash: the session
SESSIONS_OF = "sessions:"  # sorted set, and a login: its sessions' hashes, by when they began
UNDER_WAY = "under-way:"  # string, and the kind and the token's hash: the progress of a sign-in
TOTP_USED = "totp-used:"  # string, and login and time step: exists once the code was used
KEY_CHALLENGE = "key-challenge:"  # string, and a challenge of WebAuthn: what it may be answered for
UNMASKED = "unmasked:"  # string, and the session and the resident: exists while their data may be seen
HEARING = "hearing:"  # string, and the session and a recording: exists while it may be heard
UNMASK_FORM = "unmask-form:"  # string, and the session and the form's id: sent twice, it counts once
UNMASK_COUNTS = "unmask-counts"  # hash: day|login -> number of times
REVEALS = "reveals:"  # sorted set, and a login: the residents whose data it revealed within the hour -> when
REVEAL_PACE = "reveal-pace:"  # string, and a login: how often it revealed data in the last minutes
SECURITY_COUNTS = "security-counts"  # hash: kind of a security event -> number of times
KEPT_BACK_DUE = "{kept-back}:due"  # sorted set: an act's id -> when it is written
KEPT_BACK_ACTS = "{kept-back}:acts"  # hash: an act's id -> the act
KEPT_BACK_SENDING = "{kept-back}:sending"  # sorted set: an act's id -> since when it is being written
KEPT_BACK_SENT = "{kept-back}:sent:"  # string, and an act's id: exists for a day: a form sent again counts once
RELEASE_TELLING = "release-telling:"  # string, and a request's id: the input by which its case is told
TASK_ACT = "task-act:"  # string, and an act's id: "begun", or its answer
TASK_LOOK = "task-look:"  # string, and session and dispatch: exists once this look is in the audit


# Calls to the centre, which have no partition: of the family `calling`, which intake and the console may use, under a
# tag of their own.
INCOMING_CALLS = "calling:{incoming}:calls"  # hash: call id -> LiveIncoming
INCOMING_ENDED = "calling:{incoming}:ended:"  # string, and a call id: the sequence of its end, for 24 hours
CALL_BACKS = "calling:{incoming}:call-backs"  # hash: a keyed hash of the number -> CallBack


def key(name: KeyName, partition: int) -> str:
    """Return the full name of a key of one partition: `name:{partition}`.

    The partition is the hash tag, so one script may use all keys of a partition.
    """
    return f"{name}:{{{partition}}}"


def lane_key(name: LaneName, lane: str, partition: int) -> str:
    """Return the full name of a key of one partition of one lane.

    `lane`: the part of the lane's topic name after `signals`, such as "-urgent"; "" for the main lane.
    """
    return f"{name}{lane}:{{{partition}}}"


def changing(table: str, name: str) -> str:
    """Return the name of the lock under which the entry `name` of a table (the key of its hash) is changed:
    `{table}-changing:name`. It is in the table's slot, so one transaction may use both.
    """
    return f"{table}-changing:{name}" if "{" in table else f"{{{table}}}-changing:{name}"


def milliseconds(moment: datetime) -> int:
    """Return a time (aware) in ms since 1970, rounded to a whole number: the unit of times in Redis scores."""
    return round(moment.timestamp() * 1000)


def moment(score: float) -> datetime:
    """Return the UTC datetime of a Redis score in ms since 1970."""
    return datetime.fromtimestamp(score / 1000, UTC)
