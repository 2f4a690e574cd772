"""The simulated Asterisk and the gateway's commands keep to Asterisk's API documents.

The documents belong to Asterisk (GPL 2) and are not part of Quanzu. Name a checkout's folder to run these tests:
QUANZU_TEST_ASTERISK_DOCS=asterisk/rest-api/api-docs.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.streams.gateways.voice.asterisk.rig import CALLS, called, calling
from tests.tools.gateway.asterisk.line import NEVER, Callee
from tests.tools.gateway.asterisk.peer import AsteriskPeer

DOCUMENTS = os.environ.get("QUANZU_TEST_ASTERISK_DOCS", "")
pytestmark = pytest.mark.skipif(not DOCUMENTS, reason="QUANZU_TEST_ASTERISK_DOCS names no API documents of Asterisk")
CALLEES = {
    "017": Callee(cause=17, status=486),
    "111": NEVER,
    "222": Callee(keys=((3.5, "2"),), talks=((0.1, 0.6),)),
    "333": Callee(hangs_up=0.3),
}
PLAIN = {"string": str, "int": int, "long": int, "boolean": bool, "Date": str, "object": dict, "double": float}


async def test_each_event_and_each_command_has_the_documented_shape(tmp_path: Path) -> None:
    async with calling(
        tmp_path, CALLS.replace("key_seconds = 0.3", "key_seconds = 4.0"), detect_talk=True, callees=CALLEES
    ) as (centre, peer):
        for last in CALLEES:
            await called(centre, last)
        await peer.cut()
    models, operations = _documents(Path(DOCUMENTS))
    assert [fault for told in peer.sent for fault in _faults(told, told["type"], models)] == []
    assert _undocumented(peer, operations) == []
    kinds = {told["type"] for told in peer.sent}
    assert kinds >= {"StasisStart", "StasisEnd", "ChannelDestroyed", "ChannelDtmfReceived", "PlaybackFinished"}
    assert kinds >= {"ChannelTalkingStarted", "ChannelTalkingFinished", "ChannelStateChange"}


def _documents(folder: Path) -> tuple[dict[str, Any], list[tuple[str, str, set[str]]]]:
    """Return the models by name, and the operations: (method, path as a pattern, names of parameters)."""
    models: dict[str, Any] = {}
    operations: list[tuple[str, str, set[str]]] = []
    for file in folder.glob("*.json"):
        document = json.loads(file.read_text("utf-8"))
        models |= document.get("models", {})
        for api in document.get("apis", []):
            path = re.sub(r"\{[^}]+\}", "[^/]+", api["path"])
            for operation in api["operations"]:
                names = {each["name"] for each in operation.get("parameters", [])}
                operations.append((operation["httpMethod"], path, names))
    return models, operations


def _faults(told: Any, kind: str, models: dict[str, Any]) -> list[str]:  # noqa: ANN401 - JSON
    """Return where a value has not the documented shape of its type."""
    if listed := re.fullmatch(r"List\[(.+)\]", kind):
        return [fault for each in told for fault in _faults(each, listed[1], models)]
    if kind in PLAIN:
        return [] if isinstance(told, PLAIN[kind]) else [f"{told!r} is no {kind}"]
    properties = _properties(kind, models)
    unknown = [f"{kind} has no {name}" for name in told if name not in properties]
    missing = [f"{kind} lacks {name}" for name, each in properties.items() if each.get("required") and name not in told]
    within = [
        fault for name in told if name in properties for fault in _faults(told[name], properties[name]["type"], models)
    ]
    return [*unknown, *missing, *within]


def _properties(kind: str, models: dict[str, Any]) -> dict[str, Any]:
    found = dict(models[kind]["properties"])
    for parent, model in models.items():
        if kind in model.get("subTypes", []):
            found = {**_properties(parent, models), **found}
    return found


def _undocumented(peer: AsteriskPeer, operations: list[tuple[str, str, set[str]]]) -> list[str]:
    """Return the requests that no operation describes, and the names in their bodies and queries that it lacks."""
    found = []
    for method, target, body in peer.asked:
        path, _, query = target.removeprefix("/ari").partition("?")
        fitting = [names for verb, pattern, names in operations if verb == method and re.fullmatch(pattern, path)]
        given = {*(orjson.loads(body) if body else {}), *(each.partition("=")[0] for each in query.split("&") if each)}
        if not any(given <= names for names in fitting):
            found.append(f"{method} {path}: {sorted(given)}")
    return found
