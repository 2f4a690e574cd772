"""Exports one case as a bundle (domain/access/bundle): its state, journal, inputs, policies, audit lines and a
manifest.
"""

import asyncio
from collections.abc import Sequence

import orjson

from domain.access import audit_chain, bundle
from domain.access.key_rings import KeyPurpose
from domain.ids import fingerprint
from schemas.administration.bundles import Manifest
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent
from streams.casework.journal import read_entry
from streams.installation import Installation
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.reader import read_range
from streams.messaging.topics import CASE_EVENTS, home
from streams.security import audit_log
from streams.security.audit_chains import Heads
from streams.security.installation_keys import ring


async def case_bundle(line: Installation, case: Case, by: str, reason: str) -> bytes:
    """Return the bundle of a case as the bytes of a zip. `by`, `reason`: who exports it and why, for the manifest.

    Write the export to the audit before, so that the bundle contains that line. Raises UnknownPolicyError if a policy
    that the case was decided by is stored nowhere, RedisError or KafkaError if Redis or Kafka is unavailable, ReadError
    if Kafka deletes journal entries meanwhile, and SettingsError if this process has no key of the audit. Errors of the
    vault (CodecError) pass through.
    """
    events = await _events(line, case)
    digests = sorted({name for event, _ in events for name in (event.case.policy, event.case.raised_by) if name})
    texts = {f"{bundle.POLICIES}{name}.toml": (await line.policies.text(name)).encode() for name in digests}
    lines = await audit_log.about(line.settings, case.id)
    files = {
        bundle.CASE: case.model_dump_json(indent=2).encode(),
        bundle.EVENTS: b"".join(raw + b"\n" for _, raw in events),
        bundle.INPUTS: _inputs(events),
        bundle.AUDIT: b"".join((each.value or b"") + b"\n" for each in lines),
        **texts,
    }
    keys = ring(line.settings, KeyPurpose.AUDIT)
    own, key = audit_chain.audit_ring(keys), keys.current
    heads = [head for head in await Heads(line.redis).all() if audit_chain.is_signed_with(head, own)]
    manifest = Manifest(
        case=case.id,
        version=case.version,
        level=case.level,
        at=line.clock.now(),
        by=by,
        reason=reason,
        installation=line.settings.app_id,
        key=fingerprint(key),
        policies=digests,
        files=bundle.sums(files),
        heads=sorted(heads, key=lambda head: head.chain),
    )
    return await asyncio.to_thread(bundle.packed, files, manifest, key)


async def _events(line: Installation, case: Case) -> list[tuple[CaseEvent, bytes]]:
    """Return the case's journal entries with their bytes, each once, in order."""
    partition, mark = home(case.resident, line.settings.partitions), case.id.encode()
    begin = (await beginning_offsets(line.settings, CASE_EVENTS.name, [partition]))[partition]
    end = (await end_offsets(line.settings, CASE_EVENTS.name))[partition]
    found: dict[str, tuple[CaseEvent, bytes]] = {}
    async for record in read_range(line.settings, CASE_EVENTS.name, partition, begin, end - 1):
        value = record.value or b""
        entry = read_entry(record.offset, value) if mark in value else None
        if isinstance(entry, CaseEvent) and entry.case.id == case.id:
            found.setdefault(entry.id, (entry, value))
    return list(found.values())


def _inputs(events: Sequence[tuple[CaseEvent, bytes]]) -> bytes:
    """Return a JSON list of the inputs behind the events, with their partitions and offsets."""
    told = [
        {
            "id": event.input,
            "kind": event.input_kind,
            "at": event.at,
            "partition": event.partition,
            "offset": event.offset,
        }
        for event, _ in events
    ]
    return orjson.dumps(told, option=orjson.OPT_INDENT_2)
