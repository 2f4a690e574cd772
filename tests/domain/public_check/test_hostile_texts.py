"""Texts that somebody wrote to deceive or to break the reading of them: counted, and each is read in time.

The console's page applies the same rules in the browser (tests/browser/public/test_check_page.py compares the two).
"""

import random
import time
from collections import Counter

import pytest

from domain.public_check.scan import LONGEST_TEXT, MOST_HITS, NUMBER_PATTERNS, plain, scanned
from tests.domain.public_check.hostile_texts import KINDS, hostile_text
from tests.domain.public_check.scam_texts import SCAMS

FEW, MANY = 500, 10_000
SECONDS = 0.5  # of CPU for the slowest text, on a busy machine; usually below 10 ms


def read(texts: int, seed: int) -> Counter[str]:
    """Read this many drawn texts; how many there were of each kind."""
    chance, read = random.Random(seed), Counter[str]()
    for number in range(texts):
        kind = KINDS[number % len(KINDS)]
        text = hostile_text(kind, chance)
        began = time.process_time()
        found = scanned(text)
        assert time.process_time() - began < SECONDS, (kind, text[:80])
        assert len(found.numbers) <= MOST_HITS
        assert {name for name, _ in found.numbers} <= NUMBER_PATTERNS.keys()
        assert all(part in plain(text) for _, part in found.numbers)
        assert found.scams.keys() <= SCAMS.keys()
        assert all(part in plain(text) for part in found.scams.values())
        read[kind] += 1
    return read


def test_hostile_texts_of_every_kind_are_read_in_time() -> None:
    assert set(read(FEW, 1)) == set(KINDS)


@pytest.mark.parametrize(
    "text",
    [
        "加\u200b客\u200b服1\u200b9\u200b8\u200d0\u2060009\ufe0f9\u00ad001做任务\u202e返佣金",
        "加客服１９８０００９９００１做任务返佣金",
        "\u00ad" * LONGEST_TEXT + "加客服19800099001做任务返佣金",
    ],
    ids=["invisible", "full width", "behind invisible ones"],
)
def test_a_number_with_signs_that_hide_it_is_found(text: str) -> None:
    assert scanned(text).numbers == (("phone", "19800099001"),)
    assert scanned(text).scams.keys() == {"brushing"}


@pytest.mark.long
def test_ten_thousand_hostile_texts_are_read_in_time() -> None:
    assert read(MANY, 2).total() == MANY


@pytest.mark.parametrize("kind", KINDS)
def test_texts_of_a_kind_differ(kind: str) -> None:
    chance = random.Random(3)
    assert len({hostile_text(kind, chance) for _ in range(20)}) > 10
