"""The access rules (ACLs) of Kafka, Redis and the vault, derived from the components' rights, as grants, files and
scripts.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    UserScramCredentialUpsertion,
)

from schemas.base import Partial
from streams.messaging import topics
from streams.messaging.broker_settings import OFFSETS
from streams.messaging.kafka_client import admin as kafka_admin
from streams.runtime.credentials import AccessError
from streams.runtime.settings import Settings
from streams.security.rights import PREFIX, RIGHTS, VAULT, Component

APP_ID = "quanzu"
CLUSTER = "kafka-cluster"
EVERYBODY = "User:*"
_KINDS = Partial({ResourceType.TRANSACTIONAL_ID: "transactional-id", ResourceType.DELEGATION_TOKEN: "delegation-token"})
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
    """A component's permission to perform these operations on resources of one kind.

    `prefixed`: True if `names` are prefixes of names.
    """

    component: Component
    operations: tuple[ACLOperation, ...]
    kind: ResourceType
    names: tuple[str, ...]
    prefixed: bool = False


def grants(app_id: str = APP_ID) -> Iterator[Grant]:
    """Yield all permissions that the components need at Kafka, component by component. `app_id`: the application's id,
    by which consumer groups are named.
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
        case Component.EXPORTER:  # what the group has acknowledged
            yield Grant(component, (ACLOperation.DESCRIBE,), ResourceType.GROUP, (app_id,))
        case Component.INTAKE:
            return


def grant(settings: Settings, passwords: Mapping[Component, str]) -> None:
    """Create each component's Kafka user with its password (SASL/SCRAM), or give an existing user this password, and
    grant the permissions of all components. Safe to repeat. Blocking.

    Permissions that only an earlier version needed are not revoked: `surplus_grants` lists them. Raises AccessError if
    the caller lacks the right to do this, KafkaError or OSError if Kafka is unavailable, SettingsError if the embedded
    servers are not started yet, and ValueError if the CA file is unusable.
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


def surplus_grants(settings: Settings) -> list[str]:
    """Return the commands that remove what Kafka grants Quanzu's users and no component needs, and what it grants
    everybody on Quanzu's topics and groups or on the cluster: one shell command each, sorted. Empty if there is nothing
    to remove. The shell variable ADMIN in them names a file for --command-config, as in the script of `kafka`. Nothing
    is removed by this call.

    Raises AccessError if the caller may not describe ACLs, KafkaError or OSError if Kafka is unavailable, SettingsError
    if the embedded servers are not started yet, and ValueError if the CA file is unusable. Blocking.
    """
    anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    with kafka_admin(settings) as admin:
        found, error = admin.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ALLOW, anything))
    if getattr(error, "errno", 0):
        raise AccessError(f"Kafka does not list the grants: {error}. Do it as a super user, with an authorizer set")
    return sorted(_removal(acl, settings) for acl in needless(found, settings.app_id))


def needless(found: Iterable[ACL], app_id: str = APP_ID) -> Iterator[ACL]:
    """Yield those of the ACLs `found` that grant a user of Quanzu what no component needs, from any host, or grant
    everybody anything on what Quanzu uses, in the order of `found`. Those of other applications are left out. `app_id`:
    as for `grants`.
    """
    ours = [acl for each in grants(app_id) for acl in acls(each)]
    wanted = {_named(acl) for acl in ours}
    used = {_place(acl) for acl in ours}
    for acl in found:
        open_to_all = acl.principal == EVERYBODY and any(_overlap(_place(acl), each) for each in used)
        if open_to_all or (acl.principal.startswith(f"User:{PREFIX}") and _named(acl) not in wanted):
            yield acl


_Place = tuple[ResourceType, str, ACLResourcePatternType]


def _place(acl: ACL) -> _Place:
    where = acl.resource_pattern
    return where.resource_type, where.resource_name, where.pattern_type


def _named(acl: ACL) -> tuple[object, ...]:
    return (acl.principal, acl.operation, acl.permission_type, *_place(acl))


def _overlap(one: _Place, other: _Place) -> bool:
    """Return whether two patterns of resources have a name in common; `*` is every name."""
    (kind, name, pattern), (other_kind, other_name, other_pattern) = one, other
    if kind is not other_kind:
        return False
    if name in ("*", other_name):
        return True
    begins = pattern is ACLResourcePatternType.PREFIXED and other_name.startswith(name)
    return begins or (other_pattern is ACLResourcePatternType.PREFIXED and name.startswith(other_name))


def _removal(acl: ACL, settings: Settings) -> str:
    where = acl.resource_pattern
    kind = _KINDS.get(where.resource_type, str(where.resource_type.name).lower().replace("_", "-"))
    of = ["--cluster"] if where.resource_type is ResourceType.CLUSTER else [f"--{kind}", where.resource_name]
    pattern = [] if where.pattern_type is ACLResourcePatternType.LITERAL else ["--resource-pattern-type", "prefixed"]
    who = ["--allow-principal", acl.principal, "--allow-host", acl.host, "--operation", _word(acl.operation)]
    told = ["kafka-acls.sh", "--bootstrap-server", str(settings.kafka), "--remove", "--force", *who, *pattern, *of]
    return shlex.join(told) + ' ${ADMIN:+--command-config "$ADMIN"}'


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
    """Return the text of a shell script that grants all permissions with Kafka's own commands. `app_id`: as for
    `grants`.
    """
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
    """Return the text of a Redis ACL file: a user for each component, for replicas and for Sentinels. `passwords`: in
    plain text, by the component's name, `replica` and `sentinel`; the file has their SHA-256 only.

    A user without a password cannot log in, and neither can a client without a user.
    """
    users = [(str(each), rules(each, passwords.get(each))) for each in Component]
    users += [(name, [*_known(passwords.get(name)), *rule.split()]) for name, rule in SERVERS.items()]
    return _file(["user default off -@all", *(" ".join(["user", PREFIX + name, *rule]) for name, rule in users)])


def rules(component: Component, password: str | None) -> list[str]:
    """Return the rules of a component's user at Redis, in the order in which the ACL file or ACL SETUSER needs them.
    `password`: in plain text; the rules have its SHA-256. None or empty: the user is disabled.
    """
    rights = RIGHTS[component]
    return [*_known(password), "sanitize-payload", "resetchannels", *rights.keys, *rights.commands]


def vault(passwords: Mapping[str, str]) -> str:
    """Return the text of the vault's ACL file, with users only for components that have rights at the vault.
    `passwords`: in plain text, by component; the file has their SHA-256. A user without a password cannot log in.
    """
    usual = ("resetchannels", "-@all", "+@connection")
    known = {each: may for each, may in VAULT.items() if may}
    users = [["user", f"{PREFIX}{each}", *_known(passwords.get(each)), *usual, *may] for each, may in known.items()]
    return _file(["user default off -@all", *map(" ".join, users)])


def _known(password: str | None) -> list[str]:
    return ["on", f"#{sha256(password.encode()).hexdigest()}"] if password else ["off"]


def _file(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
