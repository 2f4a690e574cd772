"""A piece of work that never changes, by which machines are compared: what else was measured in the same run, by it.

It is like the hot path (JSON read, numbers matched, tokens hashed, residents found in a table too large for a cache,
things grouped and counted), but all of it is Python's own: nothing that Quanzu does or depends on makes it faster.
"""

import json
import re
import time
from collections import Counter, defaultdict
from functools import lru_cache
from hashlib import blake2b
from random import Random

ROUNDS = 150
SIGNALS = 500
KNOWN = 200_000
NUMBER = re.compile(r"\+86(1[3-9]\d{9})")


def us_per_signal() -> float:
    """CPU time of this process for the work on one of its signals. It works for a few tenths of a second."""
    document, known = _made()
    began = time.process_time()
    for _ in range(ROUNDS):
        _work(document, known)
    return (time.process_time() - began) / (ROUNDS * SIGNALS) * 1e6


def _work(document: bytes, known: dict[str, tuple[str, int]]) -> Counter[str]:
    found: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    counted: Counter[str] = Counter()
    for signal in json.loads(document):
        number = NUMBER.fullmatch(signal["called"])
        who = known.get(signal["called"]) if number else None
        if who is None:
            counted["unmatched"] += 1
            continue
        token = blake2b(signal["caller"].encode(), key=b"yardstick", digest_size=10).hexdigest()
        found[who[0]].append((token, signal["seconds"] + who[1]))
    for members in found.values():
        counted[f"{len(sorted(members))}|{json.dumps(members[-1])[:2]}"] += 1
    return counted


@lru_cache(maxsize=1)
def _made() -> tuple[bytes, dict[str, tuple[str, int]]]:
    chance = Random(7)
    numbers = [f"+8613{chance.randrange(10**9):09d}" for _ in range(KNOWN)]
    signals = [
        {
            "id": f"call-{number}",
            "kind": "call",
            "source": "operator-a",
            "at": "2026-03-01T03:12:00Z",
            "caller": f"+8615{chance.randrange(10**9):09d}",
            "called": chance.choice(numbers) if number % 2 else f"+8613{chance.randrange(10**9):09d}",
            "seconds": chance.randrange(600),
            "number_class": "mobile",
        }
        for number in range(SIGNALS)
    ]
    return json.dumps(signals).encode(), {number: (number[-6:], len(number)) for number in numbers}
