"""The parts of a checkpoint as records: they are made of a store's raw JSON, and read without parsing the cases."""

from collections.abc import Mapping

import msgspec
import orjson

from schemas.administration.checkpoints import CheckpointSlot

HEAD = b"head/"
"""How the key of a head begins."""


class CasePart(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag="case"):
    """A case, with the fields of schemas.administration.checkpoints.CheckpointCase; `case` is raw JSON."""

    generation: str
    number: int
    resident: str
    latest: bool
    case: msgspec.Raw
    settled: str | None = None


class AppliedPart(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag="applied"):
    """Applied inputs, with the fields of schemas.administration.checkpoints.CheckpointApplied."""

    generation: str
    number: int
    inputs: dict[str, int]


class SumsPart(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag="sums"):
    """A hash's fields, with the fields of schemas.administration.checkpoints.CheckpointSums."""

    generation: str
    number: int
    of: str
    sums: dict[str, int]


Part = CasePart | AppliedPart | SumsPart

_decoder = msgspec.json.Decoder(Part)


def part_in(value: bytes) -> Part:
    """Return the part in the JSON `value`. Raises msgspec.DecodeError (a ValueError) if it is none."""
    part: Part = _decoder.decode(value)
    return part


def part_key(slot: CheckpointSlot, number: int) -> bytes:
    """Return the record key of a part: the part of the same number of the next checkpoint in this slot replaces it."""
    return f"{slot}/{number}".encode()


def head_key(slot: CheckpointSlot) -> bytes:
    """Return the record key of the head of a slot's checkpoint."""
    return HEAD + slot.encode()


class PartBody:
    """The content of a part before it has its place in a checkpoint. `kind`: the part's; `fields`: JSON values by name,
    already encoded.
    """

    __slots__ = ("_fields", "_kind")

    def __init__(self, kind: str, fields: Mapping[str, bytes]) -> None:
        self._kind, self._fields = kind, fields

    def value(self, generation: str, number: int) -> bytes:
        """Return the record's value (JSON)."""
        told = b"".join(b',"%s":%s' % (name.encode(), value) for name, value in self._fields.items())
        return b'{"kind":"%s","generation":"%s","number":%d%s}' % (
            self._kind.encode(),
            generation.encode(),
            number,
            told,
        )


def case_body(resident: str, value: bytes, settled: str | None, *, latest: bool) -> PartBody:
    """Return the part for a case. `value`: its JSON as the store has it; `settled`: see CheckpointCase."""
    told = {"resident": orjson.dumps(resident), "latest": orjson.dumps(latest), "settled": orjson.dumps(settled)}
    return PartBody("case", {**told, "case": value})


def applied_body(inputs: Mapping[str, int]) -> PartBody:
    """Return the part for applied inputs: the times, in ms since 1970, by the inputs' ids."""
    return PartBody("applied", {"inputs": orjson.dumps(dict(inputs))})


def sums_body(name: str, sums: Mapping[str, int]) -> PartBody:
    """Return the part for fields of the hash `name` of the store."""
    return PartBody("sums", {"of": orjson.dumps(name), "sums": orjson.dumps(dict(sums))})
