"""What the fuzzer of routes sends to intake: signed by who signs there, about orders, cases and calls that exist."""

import os
import secrets
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from console.reference.openapi import openapi
from domain.policy.schedule import OWN_ACCOUNT
from schemas.administration.dead_letters import letter_adapter
from schemas.casework.events import Dispatch
from schemas.casework.provinces import ProvinceGround
from schemas.channels.handovers import CaseHandover, PersonHandedOver
from schemas.levels import Channel, Level
from schemas.people.residents import Occupation, Sex
from streams.channels.operator_calls.phones import VOICE
from streams.channels.settings import load as load_channels
from streams.intake.settings import embedded_key
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.monitoring.report import journal_events
from streams.security.secrets import bank_signer, province_signer
from tests.console.harness.world import RECORDING, World
from tests.domain.builders import danger
from tests.end_to_end.harness.house import House
from tests.end_to_end.harness.provinces import HANDOVER, THERE
from tests.end_to_end.harness.rig import Line
from tests.tools.fuzz.routes.manners import Signers
from tests.tools.fuzz.routes.sender import Plan

NO_TALK: dict[str, Any] = {"thirds": [], "moves": [], "colleague": None, "recording": None}
FEED, OPERATOR, NOBODY = "feed", "operator", "nobody"
_SIGNED_BY = {
    "post-receipts-sms": "sms",
    "post-receipts-sms-replies": "sms",
    "post-receipts-voice": "voice",
    "post-receipts-bank": "bank",
    "post-receipts-own-holds": "bank",
    "post-receipts-station": "station",
    "post-receipts-operator-calls": VOICE,
    "post-receipts-incoming-calls": VOICE,
    "post-receipts-call-recordings": VOICE,
    "post-handovers": "province",
}


async def plan(world: World, each: int, seed: int, rounds: list[list[str]]) -> Plan:
    """Return the plan for intake: of each operation `each` requests in a round. The house gets a policy by which it
    takes cases of other provinces, and a dead letter.
    """
    house, document = world.console.house, openapi("0")
    line = world.console.line()
    await line.policy(lambda text: text.replace("\n[messages]\n", f"{HANDOVER}\n[messages]\n", 1))
    roles, found = dict[str, list[str]](), [one for path in document["paths"].values() for one in path.values()]
    for one in found:
        wanted = next((name for name in (FEED, OPERATOR) if [{name: []}] == one["security"]), "")
        if wanted:
            roles[one["operationId"]] = [wanted, wanted, wanted, NOBODY if wanted == FEED else FEED]
    letter = await _letter(line)
    own = {
        name: {role: {"id": letter} for role in (OPERATOR, FEED)}
        for name in ("get-dead-letters-id", "post-dead-letters-id-send-again", "post-dead-letters-id-drop")
    }
    dispatches = [each for entry in await journal_events(house.settings) for each in entry.event.dispatches]
    address, named = str(house.intake.base_url), _named(world, dispatches)
    return Plan(document, address, each, seed, rounds, own, roles, os.getpid(), _signers(house), named)


def headers(house: House) -> dict[str, dict[str, str]]:
    """Return the headers of each role's requests."""
    operator = (house.settings.data / "operator-key").read_text().strip()
    keys = {FEED: embedded_key(house.settings), OPERATOR: operator, NOBODY: secrets.token_urlsafe(32)}
    return {role: {"authorization": f"Bearer {key}"} for role, key in keys.items()}


def _signers(house: House) -> dict[str, Signers]:
    """Return who signs each operation: for banks their gateway or a bank of the table."""
    keys = {name: each[0].hex() for name, each in load_channels().receipt_keys(house.settings).items()}
    others = {"bank": ["bank", bank_signer("icbc")], "province": [province_signer(THERE)]}
    return {
        name: Signers(
            channel,
            [keys[each] for each in others.get(channel, [channel])],
            keys["voice" if channel == "sms" else "sms"],
        )
        for name, channel in _SIGNED_BY.items()
    }


def _named(world: World, dispatches: list[Dispatch]) -> dict[str, list[dict[str, Any]]]:
    """Return for each operation fields of its JSON, with what exists in the house."""
    by = {channel: [each for each in dispatches if each.action.channel is channel] for channel in Channel}
    stops = [each for each in by[Channel.PAYMENT] if each.action not in OWN_ACCOUNT]
    cases = [{"case": each.id} for each in world.cases]
    return {
        "post-receipts-sms": _ids(by[Channel.SMS]),
        "post-receipts-sms-replies": _ids(by[Channel.SMS]),
        "post-receipts-voice": _ids(by[Channel.PHONE]),
        "post-receipts-station": [each | {"officer": "world-1"} for each in _ids(by[Channel.VISIT])],
        "post-receipts-bank": [
            {"dispatch": each.id, "transfer": each.payment.transfer} for each in stops if each.payment
        ],
        "post-receipts-own-holds": [
            each | {"until": None} for each in _ids(each for each in dispatches if each.action in OWN_ACCOUNT)
        ],
        "post-receipts-operator-calls": [*cases, *(each | _ended(result="busy") | NO_TALK for each in cases)],
        "post-receipts-incoming-calls": [
            {"call": f"c{7:020x}", "sequence": 3},
            {"caller": "+8619911000003", "call_back": True, "waited": 9} | _ended(result="not_served"),
        ],
        "post-receipts-call-recordings": [each | {"recording": RECORDING, "written_ms": 0} for each in cases],
        "post-handovers": list(_handovers(world)),
        "post-v1-objections": [each | {"account": mule} for each in _ids(by[Channel.PAYMENT]) for mule in world.mules],
    }


def _ended(**fields: object) -> dict[str, Any]:
    """Return the fields of a report on a call that has ended without a talk."""
    return {
        "answered": False,
        "held": False,
        "operator": "wang",
        "seconds": None,
        "ended_by": None,
        "state": "ended",
    } | fields


def _ids(dispatches: Iterable[Dispatch]) -> list[dict[str, Any]]:
    return [{"dispatch": each.id} for each in dispatches]


def _handovers(world: World) -> Iterator[dict[str, Any]]:
    """Yield hand-overs that open a case here, and one of somebody who is registered here. Their offers are few, since
    a case remembers eight.
    """
    now = world.console.house.clock.now()
    for number, phone in enumerate(["+8619911000001", "+8619911000002", world.residents[0].phones[0].value]):
        told = CaseHandover(
            offer=f"{number:016x}:province.1",
            case=f"r{'c' * 16}-{number + 1}",
            ground=ProvinceGround.IS,
            until=now + timedelta(minutes=30),
            danger=danger(Level.YELLOW),
            person=PersonHandedOver(
                name="某某",
                phones=[phone],
                birth_year=1960,
                sex=Sex.MALE,
                occupation=Occupation.FARMER,
                division="220102",
            ),
        )
        whole = told.model_dump(mode="json")
        yield whole
        yield {name: whole[name] for name in ("offer", "case", "until", "person")}  # the rest is generated


async def _letter(line: Line) -> str:
    """Write a record that no program reads to a topic of signals; the id of its dead letter."""
    await line.house.line.producer.send_all([Record(topics.SIGNALS.name, b"0", b"no signal", 0)])
    await line.settle()
    return [letter_adapter.validate_json(value).id for value in await line.dead_letters()][-1]
