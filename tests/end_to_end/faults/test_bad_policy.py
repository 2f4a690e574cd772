"""A policy that floods the province is stopped: red goes on, the rest waits for a person."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count

import pytest

from schemas.administration.audit import AuditEntry
from schemas.casework.acts import CloseAct
from schemas.casework.events import FactKind
from schemas.casework.policies import InForce
from schemas.codes.plan import TooManyInMinute
from schemas.errors import UserError
from schemas.levels import Action
from schemas.people.residents import Resident
from streams.messaging.reader import read_all
from streams.messaging.topics import AUDIT
from streams.operations.rules import confirm, lift, publish, raised_by, standing
from tests.channel_rig import until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, scam_app, transfer

MANY = (
    12  # in a minute: the good policy takes one a minute for the least that is usual, and ten times that for too many
)
TRIPPED_SECONDS = (
    10.0  # from when the first case is opened, on a clock that runs as fast as the wall's; alone it takes one
)
SUPERVISOR = "supervisor-1"


_tries = count(1)


def small(text: str) -> str:
    """Jilin's policy for a province in which hardly anything happens."""
    assert "least = 5.0 " in text
    return text.replace("least = 5.0 ", "least = 1.0 ")


def lowered(text: str) -> str:
    """The same policy with thresholds eight bits lower: whoever pays somebody new is in danger. Each time another."""
    levels = "levels = { blue = -10.0, yellow = -7.0, orange = -3.0, red = 4.0 }"
    assert levels in text
    lower = "levels = { blue = -18.0, yellow = -15.0, orange = -11.0, red = 4.0 }"
    unshielded, tables = re.subn(r"^\[shield\]\n(?:.+\n)+", "", small(text), flags=re.MULTILINE)  # lower still: refused
    assert tables == 1
    return unshielded.replace(levels, f"{lower} # {next(_tries)}")


async def stands(line: Line) -> InForce:
    return await standing(line.house.line)


@asynccontextmanager
async def flooded(line: Line) -> AsyncIterator[list[Resident]]:
    """Some who pay somebody new under a policy that takes it for danger, and is stopped."""
    people = [await line.resident() for _ in range(MANY)]
    await line.policy(small)
    await line.advance(hours=25)  # it has proved itself
    await line.policy(lowered)
    await line.until(line.house.clock.now().replace(second=0) + timedelta(minutes=1))
    await line.signal(*(transfer(line, each, line.account()) for each in people))

    async def stopped() -> bool:
        return (await stands(line)).by == "breaker"

    await until(stopped, TRIPPED_SECONDS)
    await line.settle()
    try:
        yield people
    finally:
        for stop in (await stands(line)).stopped.values():
            if await line.house.line.redis.hexists("holds:{0}", stop.hold):
                await lift(line.house.line, stop.hold, SUPERVISOR, "the test is over", "drop")
        await line.policy()


async def red(line: Line) -> Resident:
    """Somebody in the gravest danger, contacted in time."""
    resident = await line.resident()
    now = line.house.clock.now()
    await line.signal(call(line, resident), transfer(line, resident, line.account()))
    contact = line.carrier.expect(Action.FLASH_SMS, resident.phones[-1].value, now)
    assert contact.dispatch.startswith(resident.id)
    await line.operator(resident, CloseAct(do="close", reason="that he was contacted is all"))
    return resident


async def test_a_bad_policy_is_stopped_and_red_is_contacted_in_time_throughout(line: Line) -> None:
    await red(line)
    async with flooded(line) as people:
        after = await stands(line)
        stop = after.stopped[(await line.case(people[0])).raised_by or ""]
        took = (stop.at - min([(await line.case(each)).opened_at for each in people])).total_seconds()
        print(f"{MANY} cases; stopped {took:.2f} s after the first was opened: {stop.reason}")
        assert took < TRIPPED_SECONDS
        assert isinstance(stop.reason, TooManyInMinute)
        assert stop.reason.usual == 1
        await red(line)
        await line.advance(minutes=30)
        line.expect_nothing_else()
        waiting = await raised_by(line.house.line, (await line.case(people[0])).raised_by or "")
        assert waiting == sorted([(await line.case(each)).id for each in people])
        entries = [
            AuditEntry.model_validate_json(r.value or b"") async for r in read_all(line.house.settings, AUDIT.name)
        ]
        assert any(entry.act == "policy-stopped" and entry.on in after.stopped for entry in entries)


async def test_a_person_confirms_one_and_lets_the_others_go_or_drops_them(line: Line) -> None:
    async with flooded(line) as people:
        await line.advance(minutes=30)
        real, *others = people
        await confirm(line.house.line, (await line.case(real)).id, SUPERVISOR, "he has told us so")
        await line.settle()
        line.expect(Action.SMS, real)
        line.expect_nothing_else()
        policy = (await line.case(others[0])).raised_by or ""
        assert len(await raised_by(line.house.line, policy)) == len(others)
        (stop,) = [each for each in (await stands(line)).stopped.values() if each.until > line.house.clock.now()]
        await lift(line.house.line, stop.hold, SUPERVISOR, "all looked at", "drop")
        await line.settle()
        line.expect_nothing_else()
        assert {fact.kind for fact in await line.facts(others[0])} >= {FactKind.HELD, FactKind.CLOSED}
        await line.advance(days=2)  # nor does anything go out that would have fallen due later
        assert {contact.to for contact in line.carrier.left} <= {real.phones[-1].value}


async def test_what_the_good_policy_raises_meanwhile_does_not_wait(line: Line) -> None:
    async with flooded(line):
        resident = await line.resident()
        await line.signal(scam_app(line, resident))
        await line.advance(minutes=4)
        line.expect(Action.SMS, resident)
        line.expect_nothing_else()


async def test_a_stopped_policy_is_published_again_only_with_a_reason(line: Line) -> None:
    async with flooded(line):
        bad = next(iter(sorted((await stands(line)).stopped.items(), key=lambda each: each[1].at, reverse=True)))[0]
        text = (await line.house.line.redis.hget("policies", bad)).decode()
        with pytest.raises(UserError, match="publish it with --override"):
            await publish(line.house.line, text, SUPERVISOR)
        await publish(line.house.line, text, SUPERVISOR, "it was a campaign, and these are in danger")
        await line.settle()
        assert (await stands(line)).override


async def test_as_many_cases_under_an_old_policy_are_a_campaign(line: Line) -> None:
    await line.policy(small)
    await line.advance(hours=25)
    await line.policy(lowered)
    await line.advance(hours=25)
    after = await stands(line)
    people = [await line.resident() for _ in range(MANY)]
    await line.signal(*(transfer(line, each, line.account()) for each in people))
    await line.advance(seconds=30)
    assert await stands(line) == after
    await line.policy()
    assert (await line.case(people[0])).raised_by == after.policy
