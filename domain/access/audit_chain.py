"""The audit's chains: each process that writes links its lines, and whoever has the key finds what was changed.

A line holds the hash of the line before it in its chain, the offset at which Kafka acknowledged that one, and a hash
over all its own bytes. The hashes are keyed (HMAC-SHA256): who can write the topic, or edit a broker's files, cannot
make a line that fits. A chain's first line, and others now and then, name the heads of the other chains: so a whole
chain cannot be left out either. How far each chain reaches is told by its head: in Redis, and where heads were put
aside (`quanzu audit heads`).

A writer that does not know whether Kafka has its lines sends them again, all that were sent together, before any other
of its chain. Such a repetition is no fault; a line that stands again anywhere else is one.
"""

import hashlib
import hmac
import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from pydantic import ValidationError

from schemas.administration.audit import AuditEntry, Head, Link

_BLANK = "0" * 64
_CLOSE = b'"}}'  # behind the hash: it is the last field of the last field
_TAIL = len(_BLANK) + len(_CLOSE)
_SEALED = re.compile(rb'"hash":"([0-9a-f]{64})"\}\}')
_SIZE = 32  # bytes of a hash
MOST_FAULTS = 100  # that are kept: the first ones say it


class Line(NamedTuple):
    """A record of the topic."""

    offset: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class End:
    """Where a chain stands: its last line; number 0 before the first. `offset`: as Kafka told it, else -1."""

    chain: str
    number: int = 0
    hash: str = ""
    offset: int = -1


class Wrong(StrEnum):
    """What can be wrong with a line."""

    CHANGED = "changed"  # or put in by somebody without the key
    UNCHAINED = "unchained"
    MISSING = "missing"
    ELSEWHERE = "elsewhere"
    REPEATED = "repeated"
    FORKED = "forked"  # it follows another line than the one that stands there
    FOREIGN = "foreign"  # a head that is none of ours


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong line: of which chain, its number in it, and the offset at which it was noticed."""

    wrong: Wrong
    chain: str
    number: int
    offset: int
    words: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look at all lines found; `faults`, the first wrong line first. `heads`: how many ends were compared."""

    lines: int
    chains: int
    before: int
    repeats: int
    heads: int
    faults: tuple[Fault, ...]


def audit_key(secret: bytes) -> bytes:
    """Return the key of the chains (32 bytes), derived from the installation's.

    Being another key, nothing else that is signed with the installation's key can pass for a hash of the chain.
    """
    return hmac.digest(secret, b"quanzu audit chain", hashlib.sha256)


def link(entries: Iterable[AuditEntry], end: End, key: bytes, heads: Sequence[Head] = ()) -> tuple[list[bytes], End]:
    """The lines that are sent together, linked to the chain's `end`, and its end with them. The first names `heads`."""
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
        sealed = _hash(body, key)
        values.append(body + sealed.encode() + _CLOSE)
        end = End(end.chain, end.number + 1, sealed)
    return values, end


def head(end: End, at: datetime, key: bytes) -> Head:
    """How far a chain reaches, to be kept elsewhere."""
    made = Head(chain=end.chain, number=end.number, offset=end.offset, hash=end.hash, at=at, mac=_BLANK)
    return made.model_copy(update={"mac": _mac(made, key)})


def ours(given: Head, key: bytes) -> bool:
    """Whether a head was made with the key."""
    return hmac.compare_digest(given.mac, _mac(given, key))


def verify(lines: Iterable[Line], key: bytes, heads: Sequence[Head] = ()) -> Verified:
    """Look at all lines of the topic in their order; `heads`: ends of chains that are known from elsewhere."""
    check = Check(key)
    for line in lines:
        check.take(line)
    return check.end(heads)


@dataclass(slots=True)
class _Chain:
    """A chain as far as it was read. Lines are counted from `base` + 1; one not seen has no hash and no place."""

    base: int
    hashes: bytearray = field(default_factory=bytearray)  # 32 bytes a line: a million lines are 40 MB
    places: "array[int]" = field(default_factory=lambda: array("q"))
    copies: dict[int, list[int]] = field(default_factory=dict)  # by number: where else the same line stands
    together: dict[int, bytes] = field(default_factory=dict)  # by number: the lines that were sent together last
    seen: int = 0  # the number of the line read last: below the last one while a repetition is under way

    @property
    def number(self) -> int:
        return self.base + len(self.places)

    def hash(self, number: int) -> str:
        """A line's hash; empty when it was not seen."""
        at = (number - self.base - 1) * _SIZE
        found = self.hashes[at : at + _SIZE] if at >= 0 else b""
        return found.hex() if any(found) else ""

    def stands(self, number: int, offset: int) -> bool:
        """Whether the line stands at the offset; true when one of both is not known."""
        if offset < 0 or number <= self.base or (place := self.places[number - self.base - 1]) < 0:
            return True
        return offset == place or offset in self.copies.get(number, ())

    def place(self, number: int) -> int:
        return self.places[number - self.base - 1]

    def add(self, hashed: str, place: int) -> None:
        self.hashes += bytes.fromhex(hashed) if hashed else bytes(_SIZE)
        self.places.append(place)

    def fill(self, number: int, hashed: str, place: int) -> None:
        """A line that was missing stands further on."""
        at = number - self.base - 1
        self.hashes[at * _SIZE : (at + 1) * _SIZE] = bytes.fromhex(hashed)
        self.places[at] = place

    def copied(self, number: int, place: int) -> None:
        self.copies.setdefault(number, []).append(self.place(number))
        self.places[number - self.base - 1] = place


class Check:
    """Reads lines one after the other, and keeps some forty bytes of each. Offsets of a topic rise."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._chains: dict[str, _Chain] = {}
        self._lines = self._before = self._repeats = 0
        self._faults: list[Fault] = []
        self._moved: list[Fault] = []  # told by the offset alone: what was put in or taken out moves all behind it

    def take(self, line: Line) -> None:
        """The next line."""
        self._lines += 1
        entry = _read(line.value)
        made = entry.link if entry else None
        if entry is None or made is None:
            self._unchained(line)
        elif line.key != entry.by.encode() or not sealed(line.value or b"", self._key):
            what = f"line {made.number} of chain {made.chain} at offset {line.offset}: its seal does not fit"
            words = f"{what}. It was changed, or put in without the key"
            self._fault(Wrong.CHANGED, made.chain, made.number, line, words)
        else:
            self._linked(made, line)

    def end(self, heads: Sequence[Head] = ()) -> Verified:
        """What was found, when there are no more lines."""
        for each in heads:
            if ours(each, self._key):
                self._named(each, each.offset, "its head, kept elsewhere,")
            else:
                what = f"the head of chain {each.chain}, line {each.number}, was not made with this key"
                self._note(self._faults, Fault(Wrong.FOREIGN, each.chain, each.number, each.offset, what))
        moved = sorted(self._moved, key=lambda fault: fault.offset)
        found = [*map(self._settled, self._faults), *moved]
        return Verified(self._lines, len(self._chains), self._before, self._repeats, len(heads), tuple(found))

    def _unchained(self, line: Line) -> None:
        if not self._chains:
            self._before += 1
            return
        what = f"the line at offset {line.offset} is in no chain, and stands behind lines that are"
        self._fault(Wrong.UNCHAINED, "", 0, line, f"{what}. It was put in, or a process of an older version wrote it")

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
            self._fault(Wrong.FORKED, made.chain, made.number, line, f"{what} than the one that stands there")
        if not chain.stands(before, made.after):
            self._shifted(made.chain, before, chain.place(before), made.after)
        chain.add(made.hash, line.offset)
        chain.seen = made.number
        if made.first == made.number:
            chain.together = {}
        chain.together[made.number] = line.value or b""
        for each in made.heads:
            self._named(each, line.offset, f"line {made.number} of chain {made.chain} at offset {line.offset}")

    def _again(self, chain: _Chain, made: Link, line: Line) -> None:
        """A line whose number was passed: a repetition by its writer, one that was missing, or a fault."""
        if made.number > chain.base and not chain.hash(made.number):
            chain.fill(made.number, made.hash, line.offset)  # its gap was told of
        elif chain.together.get(made.number) == line.value:
            self._repeats += 1
            chain.copied(made.number, line.offset)
            chain.seen = made.number
        else:
            self._repeated(made.chain, made.number, line)

    def _named(self, given: Head, offset: int, by: str) -> None:
        """A head that somebody names: the line must stand there, and be this one."""
        chain = self._chains.get(given.chain)
        where = f"line {given.number} of chain {given.chain}"
        if chain is None or given.number > chain.number:
            reached = f"the chain ends at line {chain.number}" if chain else "nothing of the chain is there"
            what = f"{where} is missing: {by} names it, and {reached}"
            self._note(self._faults, Fault(Wrong.MISSING, given.chain, chain.number + 1 if chain else 1, offset, what))
        elif chain.hash(given.number) not in ("", given.hash):
            what = f"{where} is another than {by} names"
            self._note(self._faults, Fault(Wrong.FORKED, given.chain, given.number, offset, what))
        elif not chain.stands(given.number, given.offset):
            self._shifted(given.chain, given.number, chain.place(given.number), given.offset)

    def _gap(self, made: Link, first: int, line: Line) -> None:
        last = made.number - 1
        which = f"line {first}" if first == last else f"lines {first} to {last}"
        what = f"{which} of chain {made.chain} missing before line {made.number} at offset {line.offset}"
        self._fault(Wrong.MISSING, made.chain, first, line, what)

    def _repeated(self, chain: str, number: int, line: Line) -> None:
        what = f"line {number} of chain {chain} stands again where its writer has not put it, before or at offset"
        self._fault(Wrong.REPEATED, chain, number, line, f"{what} {line.offset}")

    def _shifted(self, chain: str, number: int, place: int, acknowledged: int) -> None:
        what = f"line {number} of chain {chain} stands at offset {place}, and Kafka had put it at {acknowledged}"
        words = f"{what}: lines were put in, taken out or put elsewhere at or before it"
        self._note(self._moved, Fault(Wrong.ELSEWHERE, chain, number, place, words))

    def _settled(self, fault: Fault) -> Fault:
        """Of a line that was missing and came later: it stands elsewhere."""
        chain = self._chains.get(fault.chain)
        known = fault.wrong is Wrong.MISSING and chain is not None and chain.base < fault.number <= chain.number
        if not known or chain is None or not chain.hash(fault.number):
            return fault
        place = chain.place(fault.number)
        what = f"line {fault.number} of chain {fault.chain} stands at offset {place}, behind a line that follows it"
        return replace(fault, wrong=Wrong.ELSEWHERE, words=f"{what} (at offset {fault.offset})")

    def _fault(self, wrong: Wrong, chain: str, number: int, line: Line, words: str) -> None:
        self._note(self._faults, Fault(wrong, chain, number, line.offset, words))

    def _note(self, found: list[Fault], fault: Fault) -> None:
        if len(found) < MOST_FAULTS:
            found.append(fault)


def _read(value: bytes | None) -> AuditEntry | None:
    try:
        return AuditEntry.model_validate_json(value or b"")
    except ValidationError:
        return None


def sealed(value: bytes, key: bytes) -> bool:
    """Whether the hash at its end is that of all bytes before it."""
    found = _SEALED.fullmatch(value, len(value) - _TAIL - len(b'"hash":"'))
    return found is not None and hmac.compare_digest(found[1].decode(), _hash(value[:-_TAIL], key))


def _hash(body: bytes, key: bytes) -> str:
    return hmac.digest(key, body, hashlib.sha256).hex()


def _mac(given: Head, key: bytes) -> str:
    parts = (given.chain, given.number, given.offset, given.hash, given.at.astimezone(UTC).isoformat())
    return _hash("\x1f".join(map(str, ("head", *parts))).encode(), key)
