"""The scripts by which the servers of compose.yaml start, run here as processes: they let in whom they should."""

import asyncio
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.admin import ACLResourcePatternType as Pattern
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from streams.runtime.embedded import free_port
from streams.runtime.redis_address import Login
from streams.runtime.settings import Settings
from streams.security.acls import acls, grants
from streams.security.rights import PREFIX, Component
from streams.security.vault import Keys, Vault
from streams.state.primary import unsafe
from streams.state.redis_client import client
from tests.dispatched import NOW
from tests.tools.servers.guard import tools
from tests.tools.servers.kafka import SHARED, jars
from tests.tools.servers.process import Process

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
QUANZU = [sys.executable, str(ROOT / "quanzu.py")]
HOST = "localhost"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the secrets and certificates that the documentation has a new user make."""
    folder = tmp_path_factory.mktemp("deploy")
    secrets = folder / "secrets"
    names = ("kafka-1", "redis-1")
    subprocess.run([DEPLOY / "certificates.sh", str(folder / "certificates"), *names], check=True)
    subprocess.run([*QUANZU, "admin", "access", "secrets", str(secrets)], check=True, capture_output=True)
    for server in ("redis", "vault"):
        acl = subprocess.run(
            [*QUANZU, "admin", "access", server, str(secrets)], check=True, capture_output=True, text=True
        )
        (secrets / f"{server}-acl").write_text(acl.stdout)
    for name in ("ca.pem", "kafka-1.pem", "redis-1.crt", "redis-1.key"):
        shutil.copy(folder / "certificates" / name, secrets / name.replace("-1", ""))
    return folder


def started(folder: Path, name: str, script: Path, port: int, environment: dict[str, object]) -> Process:
    """A server by its script, with a folder of its own."""
    own = folder / name
    own.mkdir()
    given = {"SECRETS": folder / "secrets", "DATA": own, "RUN": own, "HOST": HOST, "PORT": port, **environment}
    command = ["env", *(f"{key}={value}" for key, value in given.items()), "sh", str(script)]
    return Process(name, command, own / "log", port)


def run(environment: dict[str, str], *words: str) -> None:
    told = subprocess.run([*QUANZU, *words], env=environment, check=False, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr


def test_a_broker_started_by_its_script_lets_the_components_in_once_they_are_granted_it(made: Path) -> None:
    port, control = free_port(), free_port()
    environment = dict(tools(made, SHARED, jars()))
    about = {"NODE": 1, "VOTERS": f"1@{HOST}:{control}", "CONTROL": control, "COPIES": 1, "IN_SYNC": 1}
    about |= {"CLUSTER": "MkU3OEVBNTcwNTJENDM2Qk", "PATH": environment["PATH"]}
    template = {"TEMPLATE": DEPLOY / "kafka" / "broker.properties"}
    broker = started(made, "broker", DEPLOY / "kafka" / "start.sh", port, about | template)
    secrets = made / "secrets"
    settings = {"KAFKA": f"{HOST}:{port}", "KAFKA_TLS": "true", "KAFKA_CA": str(secrets / "ca.pem"), "REPLICATION": "1"}
    settings |= {"REDIS": "redis://127.0.0.1:1", "SECRET_FILE": str(secrets / "secret")}
    plain = environment | {f"QUANZU_{name}": value for name, value in settings.items()}

    def user(name: str, file: str) -> dict[str, str]:
        return plain | {"QUANZU_KAFKA_USER": name, "QUANZU_KAFKA_PASSWORD_FILE": str(secrets / file)}

    try:
        broker.start()
        broker.ready()
        run(user("admin", "kafka-admin"), "admin", "access", "grant", str(secrets))
        run(user("quanzu-operator", "kafka-operator"), "admin", "topics", "create")
        run(user("quanzu-doctor", "kafka-doctor"), "admin", "topics", "check")
        _same_as_the_script(made, plain, port, secrets)
        _what_no_component_needs_is_found_and_removed(user("quanzu-operator", "kafka-operator"), made, port, secrets)
        assert "storedKey" not in (made / "broker" / "log").read_text(), "the super user's keys are in no log"
    finally:
        broker.stop()


def _same_as_the_script(folder: Path, environment: dict[str, str], port: int, secrets: Path) -> None:
    """What Kafka's own command grants intake by acls.sh is what `admin access grant` has granted: nothing is added."""
    password = (secrets / "kafka-admin").read_text()
    login = f'org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="{password}";'
    lines = ["security.protocol=SASL_SSL", "sasl.mechanism=SCRAM-SHA-512", f"sasl.jaas.config={login}"]
    lines += ["ssl.truststore.type=PEM", f"ssl.truststore.location={secrets / 'ca.pem'}"]
    properties = folder / "admin.properties"
    properties.write_text("\n".join(lines))
    before = _granted(port, secrets)
    about = environment | {"KAFKA": f"{HOST}:{port}", "ADMIN": str(properties)}
    subprocess.run([DEPLOY / "kafka" / "acls.sh", Component.INTAKE], env=about, check=True, capture_output=True)
    assert before == _granted(port, secrets)
    assert before == {str(acl) for each in grants() for acl in acls(each)}


def _what_no_component_needs_is_found_and_removed(
    operator: dict[str, str], folder: Path, port: int, secrets: Path
) -> None:
    """A right of an earlier version, and one of everybody, are listed with the commands that remove them, and no other
    user's are.
    """

    def checked() -> subprocess.CompletedProcess[str]:
        told = [*QUANZU, "admin", "access", "kafka", "--check"]
        return subprocess.run(told, env=operator, check=False, capture_output=True, text=True)

    assert (first := checked()).returncode == 0, first.stderr
    before = _granted(port, secrets)
    extra = [
        ("User:quanzu-intake", ACLOperation.WRITE, ResourceType.TOPIC, "accounts", Pattern.LITERAL),
        ("User:*", ACLOperation.READ, ResourceType.GROUP, "quanzu", Pattern.PREFIXED),
        ("User:another-program", ACLOperation.READ, ResourceType.TOPIC, "its own", Pattern.LITERAL),
    ]
    with _admin(port, secrets) as admin:
        admin.create_acls(
            [
                ACL(who, "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name, pattern))
                for who, operation, kind, name, pattern in extra
            ]
        )
    found = checked()
    assert (found.returncode, len(found.stdout.splitlines())) == (1, 2), found.stderr
    assert "2 grants that no component needs" in found.stderr
    about = operator | {"ADMIN": str(folder / "admin.properties")}
    subprocess.run(["sh", "-ec", found.stdout], env=about, check=True, capture_output=True)
    assert checked().returncode == 0
    assert len(_granted(port, secrets) - before) == 1, "another program's grant stays"
    with _admin(port, secrets) as admin:
        anything = ResourcePatternFilter(ResourceType.TOPIC, "its own", Pattern.LITERAL)
        admin.delete_acls([ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, anything)])


def _granted(port: int, secrets: Path) -> set[str]:
    anything = ResourcePatternFilter(ResourceType.ANY, None, Pattern.ANY)
    with _admin(port, secrets) as admin:
        found, _ = admin.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, anything))
    return {str(acl) for acl in found}


def _admin(port: int, secrets: Path) -> KafkaAdminClient:
    """A client of the super user; the caller closes it."""
    login = {"sasl_plain_username": "admin", "sasl_plain_password": (secrets / "kafka-admin").read_text()}
    context = ssl.create_default_context(cafile=str(secrets / "ca.pem"))
    return KafkaAdminClient(
        bootstrap_servers=f"{HOST}:{port}",
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        ssl_context=context,
        **login,
    )


@pytest.fixture
def pair(made: Path) -> Iterator[tuple[Process, int]]:
    """A primary, two replicas and a Sentinel by their script; gives the primary, and the Sentinel's port."""
    first, second, third, watch = (free_port() for _ in range(4))
    script = DEPLOY / "redis" / "start.sh"
    about = {"FIRST": HOST, "FIRST_PORT": first, "SENTINELS": f"{HOST}:{watch}", "QUORUM": 1}
    found = [started(made, f"redis-{port}", script, port, about) for port in (first, second, third)]
    found.append(started(made, "sentinel", script, watch, about | {"ROLE": "sentinel"}))
    try:
        for each in found:
            each.start()
            each.ready()
        yield found[0], watch
    finally:
        for each in found:
            each.stop()


async def test_redis_started_by_its_script_fails_over_to_its_replica_over_tls(
    made: Path, pair: tuple[Process, int]
) -> None:
    secrets, (primary, watch) = made / "secrets", pair
    word = {name: (secrets / name).read_text().strip() for name in ("redis-worker", "sentinels")}
    login = Login("quanzu-worker", word["redis-worker"], None, word["sentinels"], str(secrets / "ca.pem"))
    redis: Any = client(f"rediss+sentinel://{HOST}:{watch}/quanzu/0", login)
    try:
        await _soon(lambda: redis.set("before", 1))
        await _soon(lambda: _copied(redis))
        await _soon(lambda: _safe(redis))
        primary.kill()
        await _soon(lambda: redis.set("after", 1))
        assert await redis.mget("before", "after") == [b"1", b"1"]
    finally:
        await redis.aclose()


async def test_the_vault_started_by_its_script_gives_keys_to_who_needs_them_and_outlives_a_kill(made: Path) -> None:
    port = free_port()
    server = started(made, "vault", DEPLOY / "redis" / "start.sh", port, {"ROLE": "vault"})
    try:
        server.start()
        server.ready()
        async with _vault(made, port, Component.CONSOLE) as console:
            (key,) = (await console.to_seal_under(await console.known(["calls/one"]))).values()
            assert key is not None
            with pytest.raises(NoPermissionError):
                await console.identified()
            with pytest.raises(NoPermissionError):
                await console.destroy(["calls/one"], NOW)
        server.kill()
        server.start()
        server.ready()
        async with _vault(made, port, Component.OPERATOR) as operator:
            identity = await operator.identified()
            assert await operator.known(["calls/one"]) == Keys(identity, {"calls/one": (key,)}, frozenset())
            await operator.destroy(["calls/one"], NOW)
            assert await operator.known(["calls/one"]) == Keys(identity, {"calls/one": None}, frozenset())
        async with _vault(made, port, Component.DOCTOR) as doctor:
            assert await doctor.identity() == identity
            with pytest.raises(NoPermissionError):
                await doctor.known(["calls/one"])
        for component in (Component.EXPORTER, Component.INTAKE):
            async with _vault(made, port, component) as stranger:
                with pytest.raises(AuthenticationError):
                    await stranger.known(["calls/one"])
    finally:
        server.stop()


@asynccontextmanager
async def _vault(made: Path, port: int, component: Component) -> AsyncIterator[Vault]:
    secrets = made / "secrets"
    own = {"redis_user": f"{PREFIX}{component}", "redis_password": (secrets / f"redis-{component}").read_text().strip()}
    where = {"kafka": "127.0.0.1:1", "redis": "rediss://127.0.0.1:1/0", "vault": f"rediss://{HOST}:{port}/0"}
    given = {**own, **where, "redis_ca": secrets / "ca.pem", "secret": (secrets / "secret").read_text().strip()}
    keys = secrets / f"keys-{component}"
    given |= {"keys": keys.read_text()} if keys.exists() else {}
    vault = Vault(Settings.model_validate(given))
    try:
        yield vault
    finally:
        await vault.aclose()


async def _copied(redis: Any) -> None:  # noqa: ANN401 - redis-py types a command's result as sync or async at once
    if not await redis.wait(2, 1000):
        raise RedisError("the replicas have not read it yet")


async def _safe(redis: Any) -> None:  # noqa: ANN401 - as above
    """What a starting worker asks, with the rights that it has."""
    if wrong := await unsafe(redis):
        raise RedisError(str(wrong))


async def _soon(act: Any) -> None:  # noqa: ANN401 - as above
    """Try until it succeeds: a failover takes its time. Raises the last RedisError after a minute."""

    async with asyncio.timeout(60):
        while True:
            try:
                await act()
            except RedisError:
                await asyncio.sleep(0.2)
            else:
                return
