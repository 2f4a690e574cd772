"""The access rules (ACLs) of Kafka, Redis and the vault, derived from the components' rights, as grants, files and
scripts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
    UserScramCredentialUpsertion,
)

from streams.messaging import topics
from streams.messaging.broker_settings import OFFSETS
from streams.messaging.kafka_client import admin as kafka_admin
from streams.runtime.credentials import AccessError
from streams.runtime.settings import Settings
from streams.security.rights import PREFIX, RIGHTS, VAULT, Component

APP_ID = "quanzu"
CLUSTER = "kafka-cluster"
# The rights that replicas and Sentinels need, according to Redis' documentation.
SERVERS = {
    "replica": "-@all +psync +replconf +ping",
    "sentinel": "allchannels -@all +multi +slaveof +replicaof +ping +exec +subscribe +config|rewrite +role +publish "
    "+info +client|setname +client|kill +script|kill +hello +auth",
}
SCRIPT = """#!/bin/sh
# What each component may do at Kafka; made by `quanzu admin access kafka`. Run it as a user who may alter ACLs.
#   KAFKA=broker:9093 ADMIN=admin.properties ./acls.sh            or of some: ./acls.sh worker intake
# ADMIN: a file for --command-config, with security.protocol, sasl.jaas.config and ssl.truststore.*.
# `quanzu admin access grant` does the same without Kafka's own tools, and makes the users too.
set -eu
wanted=" ${*:-%s} "
acls() {
  case "$wanted" in *" $1 "*) ;; *) return 0 ;; esac
  user="User:%s$1"
  shift
  kafka-acls.sh --bootstrap-server "$KAFKA" ${ADMIN:+--command-config "$ADMIN"} --add --allow-principal "$user" "$@"
}
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """A component's permission to perform these operations on resources of one kind. `prefixed`: whether `names` are
    prefixes.
    """

    component: Component
    operations: tuple[ACLOperation, ...]
    kind: ResourceType
    names: tuple[str, ...]
    prefixed: bool = False


def grants(app_id: str = APP_ID) -> Iterator[Grant]:
    """Yield all permissions that the components need at Kafka. `app_id`: the application's id, by which consumer groups
    are named.
    """
    for component, rights in RIGHTS.items():
        everywhere = [ACLOperation.DESCRIBE, ACLOperation.DESCRIBE_CONFIGS]
        everywhere += [ACLOperation.CREATE, ACLOperation.ALTER_CONFIGS] if rights.creates else []
        yield Grant(component, tuple(everywhere), ResourceType.TOPIC, tuple(topic.name for topic in topics.ALL))
        for operation, wanted in ((ACLOperation.READ, rights.reads), (ACLOperation.WRITE, rights.writes)):
            if wanted:
                yield Grant(component, (operation,), ResourceType.TOPIC, tuple(topic.name for topic in wanted))
        yield from _beside(component, app_id)


def _beside(component: Component, app_id: str) -> Iterator[Grant]:
    """Yield a component's permissions on consumer groups and on the cluster."""
    match component:
        case Component.WORKER:
            yield Grant(component, (ACLOperation.READ,), ResourceType.GROUP, (app_id,))
            yield Grant(component, (ACLOperation.DESCRIBE_CONFIGS,), ResourceType.CLUSTER, (CLUSTER,))  # the brokers'
        case Component.CONSOLE:  # each webhook reads with its own group
            yield Grant(component, (ACLOperation.READ,), ResourceType.GROUP, (f"{app_id}-w",), prefixed=True)
        case Component.DOCTOR | Component.OPERATOR:
            yield Grant(component, (ACLOperation.DESCRIBE,), ResourceType.GROUP, (app_id,))
            looks = (ACLOperation.DESCRIBE, ACLOperation.DESCRIBE_CONFIGS)
            yield Grant(component, looks, ResourceType.CLUSTER, (CLUSTER,))
            yield Grant(component, (ACLOperation.DESCRIBE,), ResourceType.TOPIC, (OFFSETS,))
        case Component.INTAKE | Component.EXPORTER:
            return


def grant(settings: Settings, passwords: Mapping[Component, str]) -> None:
    """Create each component's Kafka user with its password, and grant its permissions. Safe to repeat.

    Permissions that only an earlier version needed are not revoked. Raises AccessError if the caller lacks the right to
    do this, and KafkaError or OSError if Kafka is unavailable.
    """
    made = [
        UserScramCredentialUpsertion(f"{PREFIX}{component}", settings.kafka_mechanism, password)
        for component, password in passwords.items()
    ]
    with kafka_admin(settings) as admin:
        wrong = {user: why for user, why in admin.alter_user_scram_credentials(made).items() if why}
        if wrong:
            raise AccessError(f"Kafka does not make the users: {wrong}. Do it as a super user of the brokers")
        _create(admin, [acl for each in grants(settings.app_id) for acl in acls(each)])


def _create(admin: KafkaAdminClient, wanted: list[ACL]) -> None:
    failed = admin.create_acls(wanted)["failed"]
    if failed:
        (_, why), *_ = failed
        raise AccessError(f"Kafka does not grant the rights: {why}. Do it as a super user, with an authorizer set")


def acls(each: Grant) -> Iterator[ACL]:
    """Yield the ACL objects of kafka-python for a permission: one for each name and operation."""
    pattern = ACLResourcePatternType.PREFIXED if each.prefixed else ACLResourcePatternType.LITERAL
    for name in each.names:
        for operation in each.operations:
            where = ResourcePattern(each.kind, name, pattern)
            yield ACL(f"User:{PREFIX}{each.component}", "*", operation, ACLPermissionType.ALLOW, where)


def kafka(app_id: str = APP_ID) -> str:
    """Return a shell script that grants all permissions with Kafka's own commands."""
    lines = [f"acls {each.component} {_options(each)}\n" for each in grants(app_id)]
    return SCRIPT % (" ".join(Component), PREFIX) + "".join(lines)


def _options(each: Grant) -> str:
    operations = " ".join(f"--operation {_word(operation)}" for operation in each.operations)
    if each.kind is ResourceType.CLUSTER:
        return f"{operations} --cluster"
    pattern = "--resource-pattern-type prefixed " if each.prefixed else ""
    return f"{operations} {pattern}" + " ".join(f"--{each.kind.name.lower()} {name}" for name in each.names)


def _word(operation: ACLOperation) -> str:
    return str(operation.name).title().replace("_", "")


def redis(passwords: Mapping[str, str]) -> str:
    """Return the text of a Redis ACL file, with hashed passwords. `passwords`: by component, `replica` and `sentinel`.

    A user without a password, or a client without a user, cannot log in.
    """
    users = [(str(each), rules(each, passwords.get(each))) for each in Component]
    users += [(name, [*_known(passwords.get(name)), *rule.split()]) for name, rule in SERVERS.items()]
    return _file(["user default off -@all", *(" ".join(["user", PREFIX + name, *rule]) for name, rule in users)])


def rules(component: Component, password: str | None) -> list[str]:
    """Return the rules of a component's user for the ACL file or ACL SETUSER. Without a password, the
    user is disabled.
    """
    rights = RIGHTS[component]
    return [*_known(password), "sanitize-payload", "resetchannels", *rights.keys, *rights.commands]


def vault(passwords: Mapping[str, str]) -> str:
    """Return the text of the vault's ACL file, with users only for components that have rights at the vault.
    `passwords`: by component.
    """
    usual = ("resetchannels", "-@all", "+@connection")
    known = {each: may for each, may in VAULT.items() if may}
    users = [["user", f"{PREFIX}{each}", *_known(passwords.get(each)), *usual, *may] for each, may in known.items()]
    return _file(["user default off -@all", *map(" ".join, users)])


def _known(password: str | None) -> list[str]:
    return ["on", f"#{sha256(password.encode()).hexdigest()}"] if password else ["off"]


def _file(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
