"""An audit as several processes write it, and what somebody without the key could do to it afterwards."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from domain.access.audit_chain import End, Line, head, link
from domain.access.key_rings import KeyRing
from schemas.administration.audit import AuditEntry, Head

START = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
FIELDS = ("at", "by", "act", "on", "reason", "detail", "chain", "number", "first", "before", "after", "hash")


@dataclass
class Log:
    """A topic's lines, and how far each chain reached."""

    ring: KeyRing
    lines: list[Line] = field(default_factory=list)
    heads: dict[str, Head] = field(default_factory=dict)

    def put(self, key: bytes, value: bytes) -> int:
        self.lines.append(Line(len(self.lines), key, value))
        return len(self.lines) - 1

    def older(self, count: int) -> None:
        """Lines from before there were chains."""
        for number in range(count):
            made = entry(number)
            self.put(made.by.encode(), made.model_dump_json(exclude={"link"}).encode())

    def write(self, end: End, entries: Sequence[AuditEntry], chance: Random, *, naming: bool) -> End:
        """Lines sent together; now and then some of them twice, since their writer had no answer."""
        named = [each for name, each in sorted(self.heads.items()) if name != end.chain] if naming else []
        values, after = link(entries, end, self.ring, named)
        sent = list(zip(entries, values, strict=True))
        again = sent[chance.randrange(len(sent)) :] if chance.random() < 0.06 else []
        place = -1
        for made, value in (*sent, *again):
            place = self.put(made.by.encode(), value)
        after = replace(after, offset=place)
        self.heads[end.chain] = head(after, entries[-1].at, self.ring)
        return after


def entry(number: int) -> AuditEntry:
    return AuditEntry(
        at=START + timedelta(seconds=number),
        by=f"operator-{number % 5}",
        act="look-case" if number % 3 else "claim",
        on=f"case-{number % 11}",
        reason="" if number % 4 else "回电核实",
    )


def audit(seed: int, batches: int = 60, chains: int = 4, ring: KeyRing | None = None) -> Log:
    """What `chains` processes write, one after the other and all through one another."""
    chance, log = Random(seed), Log(ring or KeyRing((b"the key",)))
    log.older(chance.randrange(4))
    ends = [End(f"{chance.getrandbits(64):016x}") for _ in range(chains)]
    for number in range(batches):
        which = chance.randrange(min(chains, 1 + number * chains * 2 // batches))
        entries = [entry(number * 10 + n) for n in range(chance.choice((1, 1, 1, 2, 3)))]
        naming = ends[which].number == 0 or chance.random() < 0.1
        ends[which] = log.write(ends[which], entries, chance, naming=naming)
    return log


Tampering = Callable[[Random, Sequence[Line]], list[Line]]


def changed(chance: Random, lines: Sequence[Line]) -> list[Line]:
    """A field of a line is another."""
    place = chance.choice(single(lines))
    told = json.loads(lines[place].value or b"")
    name = chance.choice(FIELDS)
    where = told["link"] if name in told["link"] else told
    old = where[name]
    where[name] = _another(name, old, chance)
    key = told["by"].encode() if name == "by" and chance.random() < 0.5 else lines[place].key
    raw = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return [*lines[:place], lines[place]._replace(key=key, value=raw), *lines[place + 1 :]]


def dropped(chance: Random, lines: Sequence[Line]) -> list[Line]:
    """A line is gone."""
    place = chance.choice(single(lines))
    return _left([*lines[:place], *lines[place + 1 :]], lines, chance)


def cut_off(chance: Random, lines: Sequence[Line]) -> list[Line]:
    """The end is gone."""
    return list(lines[: chance.choice(single(lines))])


def swapped(chance: Random, lines: Sequence[Line]) -> list[Line]:
    """Two lines have changed places."""
    one, two = chance.sample(single(lines), 2)
    made = list(lines)
    made[one], made[two] = made[two], made[one]
    return _numbered(made, lines)


def moved(chance: Random, lines: Sequence[Line]) -> list[Line]:
    """A line stands elsewhere."""
    one, two = chance.sample(single(lines), 2)
    made = list(lines)
    made.insert(two, made.pop(one))
    return _numbered(made, lines)


def copied(chance: Random, lines: Sequence[Line]) -> list[Line]:
    """A line stands once more, further on."""
    place = chance.choice(_chained(lines)[:-1])
    made = list(lines)
    made.insert(chance.randrange(place + 1, len(lines)), lines[place])
    return _numbered(made, lines)


def forged(chance: Random, lines: Sequence[Line]) -> list[Line]:
    """A line is put in that looks right, by somebody without the key."""
    place = chance.choice(_chained(lines))
    told = json.loads(lines[place].value or b"")["link"]
    end = End(told["chain"], told["number"] - chance.randrange(2), told["hash"], lines[place].offset)
    made = entry(chance.randrange(1000)).model_copy(update={"reason": "nobody has done this"})
    values, _ = link([made], end, KeyRing((b"another key",)))
    at = place + chance.randrange(2)
    return _numbered([*lines[:at], Line(0, made.by.encode(), values[0]), *lines[at:]], lines)


def without_a_chain(chance: Random, lines: Sequence[Line]) -> list[Line]:
    """A whole chain is gone."""
    chain = _chain(lines[chance.choice(_chained(lines))])
    return _left([line for line in lines if _chain(line) != chain], lines, chance)


TAMPERINGS: tuple[Tampering, ...] = (
    changed,
    dropped,
    cut_off,
    swapped,
    moved,
    copied,
    forged,
    without_a_chain,
)


def _another(name: str, old: object, chance: Random) -> object:
    if isinstance(old, int):
        return old + chance.choice((1, 2, 7))
    text = str(old)
    if name == "at":
        return text.replace("2026", "2027")
    if name in ("chain", "before", "hash"):
        place = chance.randrange(len(text)) if text else 0
        return text[:place] + ("0" if text[place : place + 1] != "0" else "1") + text[place + 1 :] if text else "a" * 64
    return text + "x"


def _chain(line: Line) -> str:
    made = AuditEntry.model_validate_json(line.value or b"").link
    return made.chain if made else ""


def _chained(lines: Sequence[Line]) -> list[int]:
    return [place for place, line in enumerate(lines) if _chain(line)]


def single(lines: Sequence[Line]) -> list[int]:
    """Places of chained lines that stand there once: of two that are the same, one tells what the other told."""
    count = Counter(line.value for line in lines)
    return [place for place in _chained(lines) if count[lines[place].value] == 1]


def _numbered(made: Sequence[Line], lines: Sequence[Line]) -> list[Line]:
    """As they lie on a topic that was written anew."""
    return [line._replace(offset=lines[0].offset + number) for number, line in enumerate(made)]


def _left(made: Sequence[Line], lines: Sequence[Line], chance: Random) -> list[Line]:
    """What is left: on a topic written anew, or with holes in a broker's file."""
    return _numbered(made, lines) if chance.random() < 0.5 else list(made)
