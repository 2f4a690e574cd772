"""The audit's hash chains: each writing process links its lines, and a holder of the key can find every change.

A line contains the hash of the previous line of its chain, the offset at which Kafka acknowledged that line, and a hash
of all its own bytes. The hashes are keyed (HMAC-SHA256), so someone who can write to the topic or edit a broker's files
cannot make a valid line. A chain's first line, and some later ones, name the heads (last lines) of the other chains, so
a whole chain cannot be removed unnoticed. A chain's head is stored in Redis, and in files made by `quanzu audit heads`.

A writer that does not know whether Kafka has its lines sends all of them again before any other. Such a repetition is
no fault; a line repeated anywhere else is.
"""

import hmac
import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import ValidationError

from domain.access.ciphers import derived_key, message_code
from domain.access.key_rings import KeyRing
from schemas.administration.audit import AuditEntry, ChainFault, ChainFaultKind, Head, Link

_BLANK = "0" * 64
_CLOSE = b'"}}'  # follows the hash, which is the last field of the last field
_TAIL = len(_BLANK) + len(_CLOSE)
_SEALED = re.compile(rb'"hash":"([0-9a-f]{64})"\}\}')
_SIZE = 32  # bytes of a hash
MOST_FAULTS = 100  # faults that are kept: the first ones suffice


class Line(NamedTuple):
    """A record of the audit topic. `key`: the login of the person or program that acted, in UTF-8. `value`: the
    AuditEntry as JSON.
    """

    offset: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class End:
    """The last line of a chain: its number (0 before the first line), and its hash in hex ("" before the first line).

    `offset`: the offset that Kafka acknowledged, or -1 if unknown.
    """

    chain: str
    number: int = 0
    hash: str = ""
    offset: int = -1


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of a verification: numbers, and the faults in the order in which they were found. No faults: no line
    was changed, and none is missing up to the heads that were compared. Lines after a chain's last known head may be
    missing.

    `lines`: all lines read. `chains`: number of chains. `before`: lines before the first line of any chain. `repeats`:
    repetitions by writers, which are no faults. `heads`: heads that were compared. `faults`: at most 100, followed by
    at most 100 lines that are at other offsets than Kafka acknowledged.
    """

    lines: int
    chains: int
    before: int
    repeats: int
    heads: int
    faults: tuple[ChainFault, ...]


def audit_ring(keys: KeyRing) -> KeyRing:
    """Return the keys of the audit chains, each derived from one of the installation's audit keys (`keys`), in the same
    order.

    They are separate keys, so that nothing else signed with the audit keys can pass as a hash of a chain.
    """
    return KeyRing(tuple(derived_key(key, b"quanzu audit chain") for key in keys.keys))


def link(entries: Iterable[AuditEntry], end: End, ring: KeyRing, heads: Sequence[Head] = ()) -> tuple[list[bytes], End]:
    """Return (lines, new end): the entries as audit lines (JSON), in their order, linked to the chain's `end`, to be
    sent together; and the chain's end after them.

    The first line names `heads`. The offset of the new end is -1 until Kafka has acknowledged the lines. Without
    entries, there are no lines and the new end is `end`. Raises ValidationError if there are more heads than a line may
    name.
    """
    first = end.number + 1
    values: list[bytes] = []
    for entry in entries:
        made = Link(
            chain=end.chain,
            number=end.number + 1,
            first=first,
            before=end.hash,
            after=end.offset,
            heads=[] if values else list(heads),
            hash=_BLANK,
        )
        body = entry.model_copy(update={"link": made}).model_dump_json().encode()[:-_TAIL]
        sealed = _hash(body, ring.current)
        values.append(body + sealed.encode() + _CLOSE)
        end = End(end.chain, end.number + 1, sealed)
    return values, end


def head(end: End, at: datetime, ring: KeyRing) -> Head:
    """Return a statement of a chain's end, signed with the key in force, to be stored elsewhere.

    Raises ValidationError if the chain has no line yet.
    """
    made = Head(chain=end.chain, number=end.number, offset=end.offset, hash=end.hash, at=at, mac=_BLANK)
    return made.model_copy(update={"mac": _mac(made, ring.current)})


def is_signed_with(given: Head, ring: KeyRing) -> bool:
    """Return True if a head was signed with a key of the ring and has not been changed since."""
    return any(hmac.compare_digest(given.mac, _mac(given, key)) for key in ring.keys)


def verify(lines: Iterable[Line], ring: KeyRing, heads: Sequence[Head] = ()) -> Verified:
    """Verify all lines of the audit topic, in their order, and return the numbers and the faults that were found.

    `ring`: the chains' keys (`audit_ring`). `heads`: ends of chains known from elsewhere. A faulty or unreadable line,
    or a head of another key, is a fault in the result, not an error.
    """
    check = Check(ring)
    for line in lines:
        check.take(line)
    return check.end(heads)


@dataclass(slots=True)
class _Chain:
    """A chain as read so far. Lines count from `base` + 1; a line that was not seen has no hash and place -1."""

    base: int
    hashes: bytearray = field(default_factory=bytearray)  # 32 bytes for each line: a million lines take 40 MB
    places: "array[int]" = field(default_factory=lambda: array("q"))  # the offset of each line
    copies: dict[int, list[int]] = field(default_factory=dict)  # by number: other offsets of the same line
    together: dict[int, bytes] = field(default_factory=dict)  # by number: the lines of the last batch
    seen: int = 0  # the number of the line read last; below the last number during a repetition

    @property
    def number(self) -> int:
        """The number of the last line."""
        return self.base + len(self.places)

    def hash(self, number: int) -> str:
        """Return a line's hash, or "" if it was not seen."""
        at = (number - self.base - 1) * _SIZE
        found = self.hashes[at : at + _SIZE] if at >= 0 else b""
        return found.hex() if any(found) else ""

    def is_at(self, number: int, offset: int) -> bool:
        """Return True if the line is at this offset; True if either is unknown."""
        if offset < 0 or number <= self.base or (place := self.places[number - self.base - 1]) < 0:
            return True
        return offset == place or offset in self.copies.get(number, ())

    def place(self, number: int) -> int:
        """Return the offset of a line, or -1 if it was not seen."""
        return self.places[number - self.base - 1]

    def add(self, hashed: str, place: int) -> None:
        """Append a line."""
        self.hashes += bytes.fromhex(hashed) if hashed else bytes(_SIZE)
        self.places.append(place)

    def fill(self, number: int, hashed: str, place: int) -> None:
        """Add a missing line that was found later on the topic."""
        at = number - self.base - 1
        self.hashes[at * _SIZE : (at + 1) * _SIZE] = bytes.fromhex(hashed)
        self.places[at] = place

    def copied(self, number: int, place: int) -> None:
        """Record a repetition of a line at a later offset."""
        self.copies.setdefault(number, []).append(self.place(number))
        self.places[number - self.base - 1] = place


class Check:
    """Verifies lines one after the other, and keeps about forty bytes of each.

    Call `take` for each line, in the order of their offsets, then `end` once for the result.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._chains: dict[str, _Chain] = {}
        self._lines = self._before = self._repeats = 0
        self._faults: list[ChainFault] = []
        self._moved: list[ChainFault] = []  # by the offset only: an inserted or removed line shifts all later ones

    def take(self, line: Line) -> None:
        """Verify the next line. A fault is not raised as an error: it is in the result of `end`."""
        self._lines += 1
        entry = _read(line.value)
        made = entry.link if entry else None
        if entry is None or made is None:
            self._unchained(line)
        elif line.key != entry.by.encode() or not is_intact(line.value or b"", self._ring):
            what = f"line {made.number} of chain {made.chain} at offset {line.offset}: its seal does not fit"
            words = f"{what}. It was changed, or put in without the key"
            self._fault(ChainFaultKind.CHANGED, made.chain, made.number, line.offset, words)
        else:
            self._linked(made, line)

    def end(self, heads: Sequence[Head] = ()) -> Verified:
        """Compare the heads with the lines, and return the numbers and all faults of the verification. Call it once,
        after the last line.
        """
        for each in heads:
            if is_signed_with(each, self._ring):
                self._named(each, each.offset, "its head, kept elsewhere,")
            else:
                what = f"the head of chain {each.chain}, line {each.number}, was not made with this key"
                self._fault(ChainFaultKind.FOREIGN, each.chain, each.number, each.offset, what)
        moved = sorted(self._moved, key=lambda fault: fault.offset)
        found = [*map(self._settled, self._faults), *moved]
        return Verified(self._lines, len(self._chains), self._before, self._repeats, len(heads), tuple(found))

    def _unchained(self, line: Line) -> None:
        if not self._chains:
            self._before += 1
            return
        what = f"the line at offset {line.offset} is in no chain, and stands behind lines that are"
        words = f"{what}. It was put in, or a process of an older version wrote it"
        self._fault(ChainFaultKind.UNCHAINED, "", 0, line.offset, words)

    def _linked(self, made: Link, line: Line) -> None:
        chain = self._chains.get(made.chain)
        if chain is None:
            chain = self._chains[made.chain] = _Chain(base=made.number - 1, seen=made.number - 1)
            if made.number > 1:
                self._gap(made, 1, line)
        if made.number <= chain.number:
            self._again(chain, made, line)
        else:
            self._next(chain, made, line)

    def _next(self, chain: _Chain, made: Link, line: Line) -> None:
        before = made.number - 1
        if chain.seen != chain.number:
            self._repeated(made.chain, chain.seen, line)
        if before > chain.number:
            self._gap(made, chain.number + 1, line)
            while chain.number < before:
                chain.add("", -1)
        if chain.hash(before) not in ("", made.before):
            what = f"line {made.number} of chain {made.chain} at offset {line.offset} follows another line {before}"
            self._fault(
                ChainFaultKind.FORKED, made.chain, made.number, line.offset, f"{what} than the one that stands there"
            )
        if not chain.is_at(before, made.after):
            self._shifted(made.chain, before, chain.place(before), made.after)
        chain.add(made.hash, line.offset)
        chain.seen = made.number
        if made.first == made.number:
            chain.together = {}
        chain.together[made.number] = line.value or b""
        for each in made.heads:
            self._named(each, line.offset, f"line {made.number} of chain {made.chain} at offset {line.offset}")

    def _again(self, chain: _Chain, made: Link, line: Line) -> None:
        """Handle a line whose number is not new: a repetition by its writer, a missing line found late, or a fault."""
        if made.number > chain.base and not chain.hash(made.number):
            chain.fill(made.number, made.hash, line.offset)  # its gap was reported
        elif chain.together.get(made.number) == line.value:
            self._repeats += 1
            chain.copied(made.number, line.offset)
            chain.seen = made.number
        else:
            self._repeated(made.chain, made.number, line)

    def _named(self, given: Head, offset: int, by: str) -> None:
        """Compare a named head with the line at that place."""
        chain = self._chains.get(given.chain)
        where = f"line {given.number} of chain {given.chain}"
        if chain is None or given.number > chain.number:
            reached = f"the chain ends at line {chain.number}" if chain else "nothing of the chain is there"
            what = f"{where} is missing: {by} names it, and {reached}"
            self._fault(ChainFaultKind.MISSING, given.chain, chain.number + 1 if chain else 1, offset, what)
        elif chain.hash(given.number) not in ("", given.hash):
            what = f"{where} is another than {by} names"
            self._fault(ChainFaultKind.FORKED, given.chain, given.number, offset, what)
        elif not chain.is_at(given.number, given.offset):
            self._shifted(given.chain, given.number, chain.place(given.number), given.offset)

    def _gap(self, made: Link, first: int, line: Line) -> None:
        last = made.number - 1
        which = f"line {first}" if first == last else f"lines {first} to {last}"
        what = f"{which} of chain {made.chain} missing before line {made.number} at offset {line.offset}"
        self._fault(ChainFaultKind.MISSING, made.chain, first, line.offset, what)

    def _repeated(self, chain: str, number: int, line: Line) -> None:
        what = f"line {number} of chain {chain} stands again where its writer has not put it, before or at offset"
        self._fault(ChainFaultKind.REPEATED, chain, number, line.offset, f"{what} {line.offset}")

    def _shifted(self, chain: str, number: int, place: int, acknowledged: int) -> None:
        what = f"line {number} of chain {chain} stands at offset {place}, and Kafka had put it at {acknowledged}"
        words = f"{what}: lines were put in, taken out or put elsewhere at or before it"
        moved = ChainFault(kind=ChainFaultKind.ELSEWHERE, chain=chain, number=number, offset=place, words=words)
        _note(self._moved, moved)

    def _settled(self, fault: ChainFault) -> ChainFault:
        """Return the fault, changed to "elsewhere" if its missing line was found later."""
        chain = self._chains.get(fault.chain)
        if fault.kind is not ChainFaultKind.MISSING or chain is None or not chain.base < fault.number <= chain.number:
            return fault
        if not chain.hash(fault.number):
            return fault
        place = chain.place(fault.number)
        what = f"line {fault.number} of chain {fault.chain} stands at offset {place}, behind a line that follows it"
        words = f"{what} (at offset {fault.offset})"
        return fault.model_copy(update={"kind": ChainFaultKind.ELSEWHERE, "words": words})

    def _fault(self, kind: ChainFaultKind, chain: str, number: int, offset: int, words: str) -> None:
        _note(self._faults, ChainFault(kind=kind, chain=chain, number=number, offset=offset, words=words))


def _note(found: list[ChainFault], fault: ChainFault) -> None:
    if len(found) < MOST_FAULTS:
        found.append(fault)


def _read(value: bytes | None) -> AuditEntry | None:
    try:
        return AuditEntry.model_validate_json(value or b"")
    except ValidationError:
        return None


def is_intact(value: bytes, ring: KeyRing) -> bool:
    """Return True if an audit line (JSON) ends with the keyed hash of all bytes before it, under a key of the ring."""
    found = _SEALED.fullmatch(value, len(value) - _TAIL - len(b'"hash":"'))
    if found is None:
        return False
    sealed, body = found[1].decode(), value[:-_TAIL]
    return any(hmac.compare_digest(sealed, _hash(body, key)) for key in ring.keys)


def _hash(body: bytes, key: bytes) -> str:
    return message_code(key, body).hex()


def _mac(given: Head, key: bytes) -> str:
    parts = (given.chain, given.number, given.offset, given.hash, given.at.astimezone(UTC).isoformat())
    return _hash("\x1f".join(map(str, ("head", *parts))).encode(), key)
