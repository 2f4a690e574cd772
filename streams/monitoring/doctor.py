"""The checks of `quanzu doctor`: whether the servers are reachable, their versions, their faults, and how to correct
them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib.metadata import version
from typing import Any, cast

from kafka.errors import KafkaError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.calendar import JILIN
from domain.policy import PolicyError, load
from streams.channels.settings import load as load_channels
from streams.intake.feeds.settings import load as load_feeds
from streams.intake.settings import keys_for, may_check_payees
from streams.intake.settings import load as load_intake
from streams.messaging import broker_settings, topics
from streams.messaging.kafka_client import admin as kafka_admin
from streams.messaging.offsets import end_offsets
from streams.repositories.policies import read
from streams.runtime.clock import Clock
from streams.runtime.clock_sync import OFF_SECONDS, SET_IT, Off, Timekeeper, clocks_off, direction
from streams.runtime.credentials import AccessError
from streams.runtime.redis_address import Login, watched
from streams.runtime.server_discovery import running
from streams.runtime.setting_faults import Wrong
from streams.runtime.settings import Settings, SettingsError
from streams.security import vault_identity
from streams.security.vault import VaultError
from streams.state import redis_settings
from streams.state.case_store import CaseStore, connect
from streams.state.primary import HOW_TO_REFUSE, REPLICAS, refuses_alone
from streams.state.redis_client import client, sentinels_say
from streams.state.redis_versions import vulnerable

LIBRARIES = ("faust-streaming", "aiokafka", "kafka-python", "redis", "pydantic", "prometheus-client")
AHEAD = timedelta(days=60)  # the time before a table ends, such as the holidays, from which a warning is given


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result of one check. `good`: True if nothing is wrong; `what`: what was found, in words.

    `do`: how to correct it, if it is not good or `warns` is True. `warns`: nothing is wrong yet, but something should
    be done. `policy`: the policy's error, which the console shows in place of `do`, or None.
    """

    good: bool
    what: str
    do: str = ""
    warns: bool = False
    policy: PolicyError | None = None


ALONE = Diagnosis(
    True,
    "Redis is one server without Sentinels: nobody is warned while it is away, until it is restarted",
    f"Where that must not be, let {REPLICAS} replicas and three Sentinels stand by it: QUANZU_REDIS=redis+sentinel://...",
    warns=True,
)


async def examine(settings: Settings) -> list[Diagnosis]:
    """Run all checks, and return their results in the order of the checks: first those of this machine's files and
    settings, then those of the servers, and among these those of the secrets that intake needs. If no servers are set
    and none run embedded, the last result says so. Checks that need an unreachable server are left out.

    An unreachable server is a result, not an error. Raises RedisError, KafkaError or OSError if a server fails between
    its first check and a later one.
    """
    return [finding async for finding in _findings(settings)]


async def _findings(settings: Settings) -> AsyncIterator[Diagnosis]:
    yield Diagnosis(True, "libraries: " + ", ".join(f"{name} {version(name)}" for name in LIBRARIES))
    yield _policy(settings)
    today = Clock.parse(settings.clock).now().astimezone(JILIN).date()
    yield _holidays(today)
    yield _institutions(today)
    yield _deciding(settings)
    found = settings if settings.kafka else running(settings)
    if found is None:
        do = "Set QUANZU_KAFKA and QUANZU_REDIS, or start an embedded Quanzu: `quanzu worker` or `quanzu demo`"
        yield Diagnosis(False, "no servers are set, and no embedded Quanzu runs in the data folder", do)
        return
    kafka = await asyncio.to_thread(_kafka, found)
    redis = await _redis(found)
    yield kafka
    yield redis
    for finding in (*await _beside(redis, found), *_secrets(found)):
        yield finding
    troubles = await asyncio.to_thread(topics.check, found) if kafka.good else []
    for trouble in troubles:
        yield Diagnosis(False, trouble.partition(". ")[0], trouble.partition(". ")[2])
    for wrong in await asyncio.to_thread(broker_settings.check, found) if kafka.good else []:
        yield _finding(wrong)
    for finding in await _right_vault(found) if kafka.good and found.vault and not troubles else []:
        yield finding
    if kafka.good and redis.good and not troubles:
        async for finding in _partitions(found):
            yield finding


def _secrets(settings: Settings) -> list[Diagnosis]:
    """Return a fault for each secret or key without which intake refuses to start."""
    wrong = []
    for load_and_look in (lambda: keys_for(settings, load_intake()), lambda: load_channels().receipt_keys(settings)):
        try:
            load_and_look()
        except SettingsError as error:
            what, _, do = str(error).partition(". ")
            wrong.append(Diagnosis(False, what, do))
    return wrong


def _deciding(settings: Settings) -> Diagnosis:
    """Return which sources may confirm and lift suspects, and warn if one of them is a bank that asks about payees."""
    deciding = settings.rights().deciding()
    try:
        asking = sorted(may_check_payees(load_intake()).intersection(deciding))
    except SettingsError:  # told by another check
        asking = []
    told = f"suspects are confirmed and lifted by {', '.join(deciding) or 'no source'}"
    return Diagnosis(
        True,
        told + (f", of which {', '.join(asking)} may also check payees" if asking else ""),
        "A bank that confirms a suspect confirms it for every bank. Unless that is agreed, take confirmed and lifted "
        "from it in QUANZU_SOURCE_RIGHTS: it can still report",
        warns=bool(asking),
    )


def _policy(settings: Settings) -> Diagnosis:
    try:
        policy = load(read(settings.policy))
    except OSError as error:
        return Diagnosis(False, f"policy {settings.policy}: {error.strerror}", "Set QUANZU_POLICY to a policy file")
    except PolicyError as error:
        return Diagnosis(False, f"policy {settings.policy} cannot be used", policy=error)
    return Diagnosis(True, f"policy {policy.name} {policy.hash} in {settings.policy.name}")


def _holidays(today: date) -> Diagnosis:
    """Return whether the table of public holidays, which feeds are judged by, covers the next 60 days."""
    try:
        until = load_feeds().calendar().until
    except SettingsError as error:
        return Diagnosis(False, "what is expected of the feeds cannot be read", str(error))
    if until is None:
        return Diagnosis(True, "no public holidays are told of")
    return Diagnosis(
        True,
        f"public holidays {'were' if until < today else 'are'} known until {until}",
        "Add the next year's to the table of QUANZU_HOLIDAYS, each November as they are published, and restart the "
        "workers: without them every feed that rests on a holiday is named as silent",
        warns=until - today <= AHEAD,
    )


def _institutions(today: date) -> Diagnosis:
    """Return whether somebody answers for the table of banks and payment institutions for the next 60 days."""
    try:
        table = load_channels().known_institutions()
    except SettingsError as error:
        return Diagnosis(False, "the banks and payment institutions cannot be read", str(error))
    return Diagnosis(
        True,
        f"{len(table.by_code)} banks and payment institutions, valid until {table.until}",
        "Check the table of QUANZU_INSTITUTIONS with your clearing organisation, and set its new `until`: an order to "
        "a wrong institution stops no money",
        warns=table.until - today <= AHEAD,
    )


def _kafka(settings: Settings) -> Diagnosis:
    try:
        admin = kafka_admin(settings)
        try:
            broker_settings = admin.describe_cluster()["brokers"]
        finally:
            admin.close()
    except AccessError as error:
        what, _, do = str(error).partition(". ")
        return Diagnosis(False, what, do)
    except (KafkaError, OSError) as error:
        do = "Is it running, and does QUANZU_KAFKA name it? Feeds keep their signals meanwhile; nobody is warned"
        return Diagnosis(False, f"Kafka at {settings.kafka} cannot be reached ({type(error).__name__})", do)
    kind = "embedded broker" if settings.embedded else "Kafka"
    return Diagnosis(True, f"{kind} at {settings.kafka}: {len(broker_settings)} brokers")


async def _redis(settings: Settings) -> Diagnosis:
    redis: Any = connect(settings)
    try:
        server = await redis.info("server")
        persistence = await redis.info("persistence")
    except (RedisError, OSError) as error:
        do = "Is it running, and does QUANZU_REDIS name it? Inputs wait in Kafka meanwhile; nobody is warned"
        return Diagnosis(False, f"Redis cannot be reached ({type(error).__name__})", do)
    finally:
        await redis.aclose()
    name = f"{server.get('server_name', 'redis')} {server.get('valkey_version') or server['redis_version']}"
    file = f", append-only file on{_unseen(redis)}" if persistence.get("aof_enabled") else ""
    return Diagnosis(True, f"{name}{file}")


def _unseen(redis: "Redis") -> str:
    """Return the note that appendfsync could not be checked, so that nobody assumes it is right; "" if it was
    checked.
    """
    return "" if redis_settings.asks_config(redis) else "; appendfsync was not seen, no component may CONFIG GET"


async def _beside(redis: Diagnosis, settings: Settings) -> list[Diagnosis]:
    """Return the results for Redis' settings, the clocks, the vault and the Sentinels."""
    own = [*await _redis_settings(settings), *await _clocks(settings)] if redis.good else []
    vault = await _vault(settings.vault, settings.redis_login()) if settings.vault else []
    return [*own, *vault, *(await _primary(settings))]


async def _vault(url: str, login: Login) -> list[Diagnosis]:
    """Return whether the vault is reachable and its settings keep the keys."""
    redis: Any = client(url, login)
    try:
        found = await redis_settings.check(redis, vault=True)
        versions = [_finding(each) for each in vulnerable(await redis.info("server"))]
    except (RedisError, OSError) as error:
        do = "Is it running, and does QUANZU_VAULT name it? Inputs wait in Kafka meanwhile; nobody is warned"
        return [Diagnosis(False, f"the vault cannot be reached ({type(error).__name__})", do)]
    finally:
        await redis.aclose()
    settings = [_finding(each) for each in found]
    good = Diagnosis(True, f"the vault, append-only file on{_unseen(redis)}")
    return [*(settings or [good]), *(replace(each, what=f"the vault: {each.what}") for each in versions)]


async def _right_vault(settings: Settings) -> list[Diagnosis]:
    """Return whether the vault is the one that encrypts the records; empty while it is unavailable, which is reported
    already.
    """
    try:
        await vault_identity.check(settings)
    except VaultError as error:
        what, _, do = str(error).partition(". ")
        return [Diagnosis(False, what, do)]
    except (RedisError, OSError):
        return []
    return [Diagnosis(True, "the vault is the one that the records were sealed by")]


async def _redis_settings(settings: Settings) -> list[Diagnosis]:
    """Return the faults in Redis' settings that can lose or block data, and its known vulnerabilities."""
    redis: Any = connect(settings)
    try:
        known = vulnerable(await redis.info("server"))
        return [_finding(each) for each in (*await redis_settings.check(redis), *known)]
    finally:
        await redis.aclose()


def _finding(wrong: Wrong) -> Diagnosis:
    return Diagnosis(wrong.warns, wrong.what, wrong.do, wrong.warns)


async def _clocks(settings: Settings) -> list[Diagnosis]:
    """Return how far this machine's clock is off the workers' time, and the reports of processes whose clocks
    are off.
    """
    redis: Any = connect(settings)
    keeper = Timekeeper(redis, Clock())
    try:
        await keeper.ask()
        others = await clocks_off(redis)
    finally:
        await redis.aclose()
    own = keeper.off()
    here = _apart("this machine", own.refused) if own.waits else _machine("this machine", own.ahead)
    return [here, *(_clock(name, off) for name, off in others.items())]


def _clock(name: str, off: Off) -> Diagnosis:
    if off.waits:
        return _apart(name, off.refused)
    if off.refused:
        what = f"{name}: refuses the clock of Redis, which is {_by(off.refused)} the workers' time"
        do = f"Nothing is sent early or late meanwhile. {SET_IT} on the machine of Redis: then it is followed again"
        return Diagnosis(False, what, do)
    return _machine(name, off.ahead)


def _machine(name: str, ahead: float) -> Diagnosis:
    do = f"{SET_IT}; its logs are wrong till then. Are all of them off alike, it is Redis's that is wrong"
    return Diagnosis(abs(ahead) <= OFF_SECONDS, f"{name}: its clock is {_by(ahead)} the workers' time", do)


def _apart(name: str, ahead: float) -> Diagnosis:
    what = f"{name}: the clock of Redis is {_by(ahead)} its own"
    do = f"One of them is wrong: if other machines agree with Redis, it is this one's. {SET_IT}: no work begins before"
    return Diagnosis(False, what, do)


def _by(ahead: float) -> str:
    return f"{abs(ahead):.1f} s {direction(ahead)}"


async def _primary(settings: Settings) -> list[Diagnosis]:
    """Return whether the data in Redis survives the loss of its primary."""
    if settings.embedded:
        return [Diagnosis(True, "embedded servers: no epoch is kept, so nothing fences a second Redis")]
    if not watched(str(settings.redis)):
        return [ALONE]
    redis: Any = connect(settings)
    try:
        return await _watched(redis)
    finally:
        await redis.aclose()


async def _watched(redis: "Redis") -> list[Diagnosis]:
    """Return which primary the Sentinels name, whether a replica could replace it, and whether it stops when
    cut off.
    """
    said, client = await sentinels_say(redis), cast("Any", redis)
    told: dict[str, Any] = {}
    with suppress(RedisError, OSError):  # the named primary does not answer: reported as having no replica
        told = await client.info("replication") if said.primary else {}
    replicas = told.get("connected_slaves", 0)
    what = (
        f"{said.answering} of {said.members} Sentinels answer; the primary is {said.primary or 'not known'}, "
        f"replicas: {replicas}"
    )
    do = (
        f"Start what is missing: with fewer than {REPLICAS} replicas, the loss of one more stops all writing; with "
        "fewer than half of the Sentinels, nobody takes the primary's place"
    )
    found = [Diagnosis(said.decided and said.answering == said.members and replicas >= REPLICAS, what, do)]
    if told:
        stops = refuses_alone(told)
        what = f"a primary that is cut off from its replicas {'takes no writes' if stops else 'goes on taking writes'}"
        found.append(Diagnosis(stops, what, HOW_TO_REFUSE))
    return found


async def _partitions(settings: Settings) -> AsyncIterator[Diagnosis]:
    redis: Any = connect(settings)
    store, now = CaseStore(redis), Clock.parse(settings.clock).now()
    try:
        # Redis before Kafka: an input applied in between must not make Redis look ahead of the topic's end.
        stored = [await store.offset(partition) for partition in range(settings.partitions)]
        ends = await end_offsets(settings, topics.CASE_INPUTS.name)
        for partition, offset in enumerate(stored):
            yield _partition(partition, offset, ends[partition])
            if late := await store.overdue(partition, now):
                do = "Is a worker running and keeping up? See its log and quanzu_deadlines_overdue"
                yield Diagnosis(False, f"partition {partition}: {late} deadlines are overdue", do)
    finally:
        await redis.aclose()


def _partition(number: int, stored: int | None, end: int) -> Diagnosis:
    if stored is None:
        do = "A worker builds it within seconds; if none runs, start one, or run `quanzu admin rebuild`"
        return Diagnosis(False, f"partition {number} is not in the store", do)
    if stored >= end:
        do = "Restore the topic, or go on from the journal with `quanzu admin rebuild --new-log`"
        return Diagnosis(False, f"partition {number} stands at input {stored}, beyond the log's end {end - 1}", do)
    return Diagnosis(True, f"partition {number} stands at input {stored}, {end - 1 - stored} behind the log")
