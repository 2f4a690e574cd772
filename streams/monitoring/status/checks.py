"""Collects all troubles of an installation, as far as its servers answer. Troubles of the servers come first."""

import asyncio
from collections.abc import AsyncIterator, Callable

from aiokafka.errors import KafkaError
from pydantic import ValidationError
from redis.exceptions import RedisError

from schemas.errors import UserError
from streams.messaging.reader import ReadError
from streams.monitoring.status import kafka as kafka_now
from streams.monitoring.status import redis as redis_now
from streams.monitoring.status.clocks import ClockChecks
from streams.monitoring.status.line import ProcessingChecks
from streams.monitoring.status.page import Page, Trouble, missed
from streams.monitoring.status.watchers import WatcherChecks
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import reading
from streams.state.case_store import connect

CHECK_SECONDS = 60.0  # timeout of one check; checking 100,000 open cases takes some 10 s

StatusCheck = Callable[[], AsyncIterator[Trouble]]


async def status_page(settings: Settings) -> Page:
    """Run all checks for which the servers answer, and return the status page, the worst troubles first.

    A check that fails, or takes over 60 s, adds a trouble that says so. An unavailable server is a trouble too, not an
    error.
    """
    redis = connect(settings)
    try:
        (kafka, found), (store, more) = await asyncio.gather(
            asyncio.to_thread(kafka_now.check_kafka, settings), redis_now.check_redis(settings, redis)
        )
        clock = Clock.parse(settings.clock)
        line, watchers = ProcessingChecks(settings, redis, clock), WatcherChecks(settings, redis, clock)
        found += more
        async with reading(settings):
            for one in _checks(line, watchers, ClockChecks(redis), kafka=kafka, store=store):
                found += await _tried(one)
        return Page.of([*found, *watchers.unset()])
    finally:
        await redis.aclose()


def _checks(
    line: ProcessingChecks, watchers: WatcherChecks, clocks: ClockChecks, *, kafka: bool, store: bool
) -> list[StatusCheck]:
    """Return the checks that can run, the most important first."""
    every: list[tuple[StatusCheck, bool]] = [
        (line.workers, store),
        (clocks.clocks, store),
        (line.people, store),
        (line.behind, kafka and store),
        (line.outbox, store),
        (watchers.channels, kafka),
        (watchers.payers, store),
        (watchers.drain, store),
        (watchers.breaker, store),
        (watchers.feeds, store),
        (watchers.auditor, store),
        (watchers.dead_letters, kafka),
    ]
    return [one for one, possible in every if possible]


async def _tried(one: StatusCheck) -> list[Trouble]:
    """Return the troubles that a check finds; if it fails, times out or finds an invalid record in Redis, its partial
    result and a trouble that says so.
    """
    found: list[Trouble] = []
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            async for trouble in one():
                found += [trouble]  # kept even if the check fails later
    except (KafkaError, RedisError, ReadError, UserError, OSError, TimeoutError) as error:
        what = f"the look at {_name(one)} was cut short ({type(error).__name__}): what is said of it is not all"
        do = str(error) if isinstance(error, UserError) else "Look again; if it stays, see the servers' logs"
        found.append(missed("not-seen", what, do))
    except ValidationError as error:  # its text repeats what is stored
        cut = f"the look at {_name(one)} was cut short"
        what = f"{cut}, because a stored {error.title} is invalid: what is said of it is not all"
        do = "A later version of Quanzu may have written it: look with that one. Else write it anew"
        found.append(missed("not-seen", what, do))
    except ValueError:  # its text may repeat what is stored
        what = f"the look at {_name(one)} was cut short: a stored value is invalid, and what is said of it is not all"
        found.append(missed("not-seen", what, "A later version of Quanzu may have written it: look with that one"))
    return found


def _name(one: StatusCheck) -> str:
    return getattr(one, "__name__", "a part").replace("_", " ")
