"""The least rights that each component needs at Kafka and Redis. The ACLs are made from them.

A worker processes signals and cases and restores Redis; intake accepts data from outside, and reads and writes little;
the console shows data and writes inputs; the exporter only reads, and stores the audit's verification and the state of
its clock; the doctor only reads; an operator's commands (topics, residents, backup, rebuild) may do everything.
deploy/kafka/acls.sh and the ACL file of Redis are generated from this module.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kafka.admin import ACLOperation, KafkaAdminClient
from kafka.errors import GroupAuthorizationFailedError, KafkaError

from streams.messaging import topics
from streams.messaging.kafka_client import admin as kafka_admin
from streams.messaging.topics import Topic
from streams.runtime.clock import CLOCKS_OFF
from streams.runtime.credentials import HOW_TO_GRANT
from streams.runtime.settings import Settings
from streams.state import keys

PREFIX = "quanzu-"  # of user names: quanzu-worker, quanzu-intake, ...
TOPIC_AUTHORIZATION_FAILED = 29
USUAL = ("+@all", "-@admin", "-@dangerous", "+info")  # the default rule for Redis commands


class Component(StrEnum):
    """The kinds of processes: worker, intake, console, exporter, doctor, and an operator's commands.

    Each has its own user at Kafka and Redis.
    """

    WORKER = "worker"
    INTAKE = "intake"
    CONSOLE = "console"
    EXPORTER = "exporter"
    DOCTOR = "doctor"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Rights:
    """The rights of a component at Kafka and Redis.

    `reads`, `writes`: topics; `keys`: patterns of Redis keys, as in ACL rules; `commands`: rules for Redis commands;
    `creates`: True if it may create topics and change their configuration.
    """

    reads: tuple[Topic, ...]
    writes: tuple[Topic, ...]
    keys: tuple[str, ...]
    commands: tuple[str, ...] = USUAL
    creates: bool = False  # may create topics and change their configuration


REWRITES = ("+bgrewriteaof", "+bgsave")  # to remove erased people from the disk
_LOOKS = ("-@all", "+@read", "+@connection", "+@transaction", "-@dangerous", "+info", "+time")


def _of(name: keys.KeyName) -> str:
    """Return the pattern that matches the key `name` of every partition."""
    return f"{name}:*"


_ROSTERS = (
    *(keys.ROSTER, keys.VISIT_TASKS, keys.VISIT_AT, keys.VISIT_JOINED, keys.VISIT_LAST, keys.CHECK_INS),
    keys.ESCALATIONS_DUE,
)
_DEVICES = (keys.ESCALATIONS, keys.PUSH_SUBSCRIPTIONS)  # beside the rosters; nothing of intake's
_AUDIT = (keys.AUDIT_HEADS, keys.AUDIT_HEADS_AT, CLOCKS_OFF)
_LIMITS = "LIMITS*"  # of the library `limits`
_OWN_OF_CONSOLE = (
    *(topic.name for topic in topics.CONSOLES if topic is not topics.STAFF),
    *(keys.STAFF_ACCOUNTS, keys.STAFF_TOKENS, keys.STAFF_WHOLE, keys.STAFF_LOCK),
    *(keys.ALARMS_OPEN, keys.ALARMS_MARK, keys.WEBHOOK_HEALTH, keys.POLICIES, keys.RINGING, keys.AUDIT_VERIFIED),
    *(keys.PUBLIC_REPORTS_AT, keys.PUBLIC_REPORTS_NUMBERS, keys.PUBLIC_REPORTS_COUNTIES, f"{keys.PUBLIC_REPORTS_OF}*"),
    *(f"{begins}*" for begins in (keys.CALL, keys.WRONG_CODES, keys.SESSION, keys.SESSIONS_OF, keys.UNDER_WAY)),
    *(f"{begins}*" for begins in (keys.TOTP_USED, keys.UNMASKED, keys.UNMASK_FORM, keys.RELEASE_TELLING)),
    *(f"{begins}*" for begins in (keys.TASK_ACT, keys.TASK_LOOK, keys.KEPT_BACK_SENT, keys.KEY_CHALLENGE)),
    *(keys.SECURITY_COUNTS, f"{keys.REVEAL_PACE}*", f"{keys.REVEALS}*", f"{keys.HEARING}*"),
    *(keys.UNMASK_COUNTS, keys.KEPT_BACK_DUE, keys.KEPT_BACK_ACTS, keys.KEPT_BACK_SENDING, keys.SHADOW_COUNTS),
    *(_of("claim"), _of("calling"), _of("shadow-alerted")),
    *(_of("residents"), _of("phones"), _of("accounts"), _of("idhashes")),
    *(*_ROSTERS, *_DEVICES, *_AUDIT, _LIMITS, keys.changing("*", "*")),
)
_OF_INTAKE = (
    *_ROSTERS,
    *_AUDIT,
    _LIMITS,
    _of("receipt-nonce"),
    _of("calling"),
    _of("abandoned"),
    keys.changing(keys.CALL_BACKS, "*"),
    keys.changing(keys.VISIT_TASKS, "*"),  # a station reports on a visit
)
_STORED_BY_INTAKE = (_of("accounts-by-token"),)  # of banks' answers; it reads none back
_SEEN_BY_INTAKE = (
    *(keys.DRAINING, keys.WHOLE, "*:{whole}"),
    *(_of("dispatch"), _of("cases"), _of("earlier"), _of("state")),
    *(_of("residents"), _of("phones"), keys.POLICIES),  # who is handed over by another province, and whether it may
    _of("watch"),  # tokens of suspects, for banks' questions; not their numbers, and not who paid them
)


def _keys(written: Iterable[str], seen: Iterable[str] = (), stored: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the ACL rules for keys that are read and written (`written`), only read (`seen`), and only written
    (`stored`).
    """
    rules = ("~", written), ("%R~", seen), ("%W~", stored)
    return tuple(f"{rule}{pattern}" for rule, patterns in rules for pattern in patterns)


RIGHTS: Mapping[Component, Rights] = {
    Component.WORKER: Rights(
        reads=(
            *topics.LANES,
            topics.OUTSIDE_INPUTS,
            topics.REPORTED_FRAUDS,
            topics.CASE_INPUTS,
            topics.CASE_EVENTS,
            topics.CASE_SNAPSHOTS,
            topics.CHECKPOINTS,
            *topics.DISPATCHES,
            *topics.SHARED,
            topics.EPOCHS,
            topics.VAULTS,
            topics.PARTITION_COUNT,
            topics.AUDIT,
            topics.DEAD_LETTERS,
        ),
        writes=(
            topics.CASE_INPUTS,
            topics.CASE_EVENTS,
            topics.CASE_SNAPSHOTS,
            topics.CHECKPOINTS,
            *topics.DISPATCHES,
            topics.EPOCHS,
            topics.VAULTS,
            topics.RESIDENTS,
            topics.EVIDENCE,
            topics.WATCHLIST,
            topics.SHARED_SUSPECTS,
            topics.POLICIES,
            topics.ROSTERS,
            topics.ACCOUNTS,
            *topics.LANES,
            topics.FEEDS,
            topics.PAYERS_REQUESTS,
            topics.FRAUD_MATCHES,
            topics.BANK_MESSAGES,
            topics.ALARMS,
            topics.SEARCHES,
            topics.AUDIT,
            topics.SHADOW,
            topics.DEAD_LETTERS,
        ),
        keys=_keys("*"),
    ),
    Component.INTAKE: Rights(
        reads=(topics.DEAD_LETTERS, topics.AUDIT, topics.SHARED_SUSPECTS, topics.POLICIES, topics.PARTITION_COUNT),
        writes=(
            *topics.LANES,
            topics.OUTSIDE_INPUTS,
            topics.CALL_BACKS,
            topics.CALL_RECORDINGS,
            topics.REPORTED_FRAUDS,
            topics.ROSTERS,
            topics.AUDIT,
        ),
        keys=_keys(_OF_INTAKE, _SEEN_BY_INTAKE, _STORED_BY_INTAKE),
    ),
    Component.CONSOLE: Rights(
        reads=(
            topics.CASE_INPUTS,
            topics.CASE_EVENTS,
            topics.CASE_SNAPSHOTS,
            *topics.COMPACTED,
            topics.EVIDENCE_FILES,
            topics.CALL_RECORDINGS,
            *topics.LOGS,
            topics.VAULTS,
            topics.PARTITION_COUNT,
        ),
        writes=(
            *topics.LANES,
            topics.OUTSIDE_INPUTS,
            topics.CASE_INPUTS,
            topics.RESIDENTS,
            topics.POLICIES,
            topics.ROSTERS,
            *topics.CONSOLES,
            topics.CALLS,
            topics.EVIDENCE_FILES,
            topics.CALL_RECORDINGS,
            topics.BANK_MESSAGES,
            topics.AUDIT,
            topics.SECURITY_EVENTS,
            topics.DEAD_LETTERS,
        ),
        keys=_keys(_OWN_OF_CONSOLE, ("*",)),
    ),
    Component.EXPORTER: Rights(
        reads=(topics.AUDIT, topics.PARTITION_COUNT),
        writes=(),
        keys=_keys((keys.AUDIT_VERIFIED, CLOCKS_OFF), ("*",)),
        commands=(*_LOOKS, "+set", "+hset", "+expire"),
    ),
    Component.DOCTOR: Rights(
        reads=(topics.OUTSIDE_INPUTS, topics.CASE_INPUTS, *topics.LANES, topics.VAULTS, topics.PARTITION_COUNT),
        writes=(),
        keys=_keys((), ("*",)),
        commands=_LOOKS,
    ),
    Component.OPERATOR: Rights(
        reads=topics.ALL,
        writes=topics.ALL,
        keys=_keys("*"),
        commands=(*USUAL, *REWRITES),
        creates=True,
    ),
}


_KEYS, _IDENTITY = ("~keys:*",), ("~identity",)
VAULT: Mapping[Component, tuple[str, ...]] = {
    Component.WORKER: (*_KEYS, *_IDENTITY, "+eval_ro", "+hget", "+hsetnx", "+info"),
    Component.CONSOLE: (*_KEYS, f"%R{_IDENTITY[0]}", "+eval_ro", "+hget", "+hsetnx"),
    **dict.fromkeys((Component.INTAKE, Component.EXPORTER), ()),  # they have no business there, and no user
    Component.DOCTOR: (f"%R{_IDENTITY[0]}", "+hget", "+info"),
    Component.OPERATOR: (
        *(*_KEYS, *_IDENTITY, "+eval", "+eval_ro", "+hget", "+hsetnx", "+hset", "+info", *REWRITES),
        *("+scan", "+hgetall"),  # to read a copy of the vault whose keys are taken in
    ),
}
"""The rights of each component at the vault: to read and create keys. An operator may also destroy keys and take in
those of a copy. A worker gives a new vault its identity, and checks its settings. The doctor cannot read keys."""


def lacking(settings: Settings, component: Component) -> list[str]:
    """Return one text for each operation at Kafka (read, write, group) that `component` needs and the configured user
    may not do, with the topics and what to do.

    Empty if nothing is missing, and without a configured user, because Kafka then checks no rights. Blocking: call it
    in a thread. Raises AccessError, KafkaError or OSError if Kafka cannot be asked, and ValueError if the CA file is
    unusable.
    """
    if settings.kafka_user is None:
        return []
    with kafka_admin(settings) as admin:
        return [*_topics(admin, settings, RIGHTS[component]), *_group(admin, settings, component)]


def _topics(admin: KafkaAdminClient, settings: Settings, rights: Rights) -> Iterable[str]:
    found = {topic["name"]: topic for topic in admin.describe_topics([topic.name for topic in topics.ALL])}
    for operation, wanted in ((ACLOperation.READ, rights.reads), (ACLOperation.WRITE, rights.writes)):
        missing = [topic.name for topic in wanted if not _may(found[topic.name], operation)]
        if missing:
            yield (
                f"Kafka does not let the user {settings.kafka_user} {operation.name.lower()} {', '.join(missing)}. "
                f"{HOW_TO_GRANT}"
            )


def _may(topic: Mapping[str, object], operation: ACLOperation) -> bool:
    """Return whether the broker allows the operation. True if the topic is missing or the broker does not say."""
    if topic["error_code"] == TOPIC_AUTHORIZATION_FAILED:
        return False
    allowed = topic.get("authorized_operations")
    return bool(topic["error_code"]) or not isinstance(allowed, list) or operation.name in allowed


def _group(admin: KafkaAdminClient, settings: Settings, component: Component) -> Iterable[str]:
    if component not in (Component.WORKER, Component.EXPORTER):
        return
    act = "take part in" if component is Component.WORKER else "describe"
    try:
        admin.describe_groups([settings.app_id])
    except GroupAuthorizationFailedError:
        yield (
            f"Kafka does not let the user {settings.kafka_user} {act} the consumer group {settings.app_id}. "
            f"{HOW_TO_GRANT}"
        )
    except KafkaError:  # a new cluster has no coordinator yet, so this cannot be checked
        return
