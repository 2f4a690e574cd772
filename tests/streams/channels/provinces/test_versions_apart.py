"""Provinces update at different times: a field that one does not know, or does not send, stops no hand-over."""

from types import SimpleNamespace
from typing import cast

import httpx
import orjson
import pytest

from agents.provinces import ProvinceProvider
from schemas.codes.channels import NotTakenThere, TakenThere
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Order
from streams.channels.provinces.gateway import _read
from streams.channels.provinces.receiving import NotTakenError, _parsed
from streams.runtime.clock import Clock
from tests.domain.builders import NOON
from tests.domain.casework.provinces.provinceworld import offered, sender
from tests.streams.channels.provinces.test_payees_handed_over import resident


async def sent() -> bytes:
    """The request as the provider of the channel sends it."""
    line = sender()
    out = offered(line)
    assert out is not None

    async def found(value: object) -> object:
        return value

    outgoing = SimpleNamespace(
        client=None,
        channels=SimpleNamespace(province_addresses=dict),
        signer=lambda channel: None,
        clock=Clock.starting(1, NOON),
        resident=lambda dispatch: found(resident()),
        case=lambda dispatch: found(line.here),
        account=lambda token: found("6222020200012345678"),
        guardian=lambda person: found(None),
    )
    order = await ProvinceProvider(cast("Outgoing", outgoing)).prepare(out)
    assert isinstance(order, Order)
    return order.content


def nulls(told: object) -> list[str]:
    """The names of the fields without a value."""
    if isinstance(told, dict):
        return [name for name, each in told.items() if each is None or nulls(each)]
    return [name for each in told for name in nulls(each)] if isinstance(told, list) else []


async def test_nothing_is_sent_of_a_field_without_a_value() -> None:
    body = await sent()
    assert nulls(orjson.loads(body)) == []
    assert _parsed(body).person.guardian is None


async def test_a_field_that_the_receiver_does_not_know_is_ignored() -> None:
    body = orjson.loads(await sent())
    told = _parsed(orjson.dumps(body))
    for part in (body, body["person"], body["danger"], *body["payments"]):
        part["later"] = {"of": "another version"}
    assert _parsed(orjson.dumps(body)) == told
    with pytest.raises(NotTakenError):
        _parsed(orjson.dumps(body | {"danger": {}}))


def test_a_field_of_the_answer_that_the_sender_does_not_know_is_ignored() -> None:
    taken = httpx.Response(200, json={"case": "raaaaaaaaaaaaaaaa-1", "later": 1})
    refused = httpx.Response(409, json={"refused": "too_late", "later": 1})
    assert isinstance(_read(taken).why, TakenThere)
    assert isinstance(_read(refused).why, NotTakenThere)
