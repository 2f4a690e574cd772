"""Some generated requests for every route.

`python -m tests.tools.fuzz.routes` sends as many as one likes, in slices that add up.
"""

import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from random import Random
from typing import Any

import pytest

from streams.channels.signing import SignatureError, SignedMessage, verify
from tests.tools.fuzz.routes.__main__ import fuzzed
from tests.tools.fuzz.routes.manners import Signers, Signing, manner, signature
from tests.tools.fuzz.routes.slices import Found, Slice, keep, next_seed, slices_of, summed


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_no_generated_request_is_answered_by_a_500_or_holds_up_a_page(tmp_path: Path) -> None:
    console, intake = await fuzzed(tmp_path, each=1, seed=1)
    for found in (console, intake):
        assert found.tally["faults"] == []
        assert found.tally["operations"] > 5
    assert console.tally["requests"] > 500
    taken = sum(count for status, count in console.tally["statuses"].items() if status < "400")
    assert taken > console.tally["requests"] / 4, "most requests would not get past the door"


@pytest.mark.parametrize("how", Signing)
def test_a_request_is_valid_only_if_its_own_channel_signed_what_is_sent(how: Signing) -> None:
    signers = Signers("sms", [b"the key of sms".hex()], b"the key of voice".hex())
    headers, message = signature(signers, how, "/receipts/sms", b"{}"), SignedMessage("sms", "/receipts/sms", b"{}")
    with nullcontext() if how is Signing.RIGHT else pytest.raises(SignatureError):
        verify([b"the key of sms"], headers, message, time.time())


def test_most_requests_have_the_right_and_each_way_occurs() -> None:
    chance = Random(1)
    people = Counter(manner(["most", "more", "least", "other"], signs=False, chance=chance).role for _ in range(1000))
    assert people.keys() == {"most", "more", "least", "other"}
    assert people["other"] < 300
    signed = Counter(manner([], signs=True, chance=chance).signing for _ in range(1000))
    assert signed.keys() == set(Signing)
    assert signed[Signing.RIGHT] > 600
    assert manner([], signs=False, chance=chance).allowed


def tally(requests: int, worst: float = 0.1, failed: int = 0, costly: float = 0.2, **statuses: int) -> dict[str, Any]:
    told = {name.removeprefix("s"): count for name, count in statuses.items()}
    found = {"requests": requests, "statuses": told, "worst": [worst, "GET /"], "failed": failed, "faults": []}
    return found | {"costly": {"GET /": costly}, "refused": 3, "answers": {"GET /": told, "POST /": {"404": 1, "0": 1}}}


ONE = Slice(1, "abc", 100, [Found("console", tally(90, s200=80, s404=10), [9, 10, 10])])
TWO = Slice(
    2,
    "def",
    100,
    [
        Found("console", tally(70, 1.5, 2, 0.3, s200=68, s500=1, s0=1), [9, 10, 12]),
        Found("intake", tally(30, s202=30), [9, 10, 10]),
    ],
)


def test_the_sum_has_all_requests_by_server_and_commit_and_what_was_worst() -> None:
    found = summed([ONE, TWO])
    assert (found["requests"], found["servers"]) == (190, {"console": 160, "intake": 30})
    assert found["commits"] == {"abc": 90, "def": 100}
    assert found["statuses"] == {"0": 1, "200": 148, "202": 30, "404": 10, "500": 1}
    assert (found["failed"], found["errors"], found["worst"], found["growth"]) == (2, 2, (1.5, "GET /"), 0.2)
    assert found["costly"] == {"GET /": 0.3}
    assert (found["refused"], found["untaken"]) == (9, ["POST /"])


def test_a_run_that_was_interrupted_goes_on_with_the_first_seed_that_is_missing(tmp_path: Path) -> None:
    report = tmp_path / "routes.json"
    assert next_seed(slices_of(report), 1) == 1
    keep(report, [TWO])
    assert next_seed(slices_of(report), 1) == 1
    keep(report, [*slices_of(report), ONE])
    assert slices_of(report) == [TWO, ONE]
    assert next_seed(slices_of(report), 1) == 3


def test_no_slice_at_all_is_no_request() -> None:
    assert summed([])["requests"] == 0
