"""The steps of a call with an operator: each is broken off when one side hangs up."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from domain.carriers.operator_calls import result_of_status
from domain.carriers.voice import q850_cause
from schemas.channels.operator_calls import CallEnder, OperatorCallResult
from streams.gateways.voice.operators.party import CallParty
from streams.gateways.voice.sip.leg import DialResult

Value = TypeVar("Value")


async def unless_set(step: Coroutine[Any, Any, Value], *ends: asyncio.Event) -> Value | None:
    """Return the result of `step`; None if one of `ends` is set before it: then the step is cancelled, or not begun.
    Exceptions of the step pass through.
    """
    if any(each.is_set() for each in ends):
        step.close()
        return None
    task = asyncio.ensure_future(step)
    waits = [asyncio.create_task(each.wait()) for each in ends]
    try:
        await asyncio.wait([task, *waits], return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for each in (task, *waits):
            each.cancel()
        await asyncio.gather(task, *waits, return_exceptions=True)


async def talk_over(operator: CallParty, other: CallParty, longest: float, *wanted_ends: asyncio.Event) -> None:
    """Return when a side has hung up or fallen silent, one of `wanted_ends` is set, or the talk has lasted for
    `longest` seconds.
    """
    ends = (operator.leg.events.ended, other.leg.events.ended, *wanted_ends)
    waits: list[asyncio.Task[Any]] = [asyncio.create_task(each.wait()) for each in ends]
    waits += [asyncio.create_task(each.falls_silent()) for each in (operator, other)]
    try:
        await asyncio.wait(waits, timeout=longest, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()


def operator_result(answer: DialResult) -> OperatorCallResult:
    """Return the result of a call whose operator did not answer: OPERATOR_NO_ANSWER if the telephone was busy, rang in
    vain or refused the call, else FAILED, for example because the exchange is down.
    """
    found = result_of_status(answer.status, q850_cause(answer.reason), gave_up=answer.gave_up)
    reached = found in (OperatorCallResult.BUSY, OperatorCallResult.NO_ANSWER, OperatorCallResult.REFUSED)
    return OperatorCallResult.OPERATOR_NO_ANSWER if reached else OperatorCallResult.FAILED


def ender_of(operator: CallParty, other: CallParty) -> CallEnder:
    """Return who ended a talk that the console did not end: OPERATOR or RESIDENT if that side hung up (OPERATOR if both
    did), else GATEWAY. RESIDENT is the other side, whoever it is.
    """
    if operator.leg.events.ended.is_set():
        return CallEnder.OPERATOR
    return CallEnder.RESIDENT if other.leg.events.ended.is_set() else CallEnder.GATEWAY
