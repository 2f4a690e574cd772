"""Requests with a name of their own, to a real intake: each is answered or ended, soon, and the next one is served."""

import gzip
import json
import time
import zlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from streams.intake.server import running
from streams.intake.settings import IntakeSettings, embedded_key
from streams.messaging import topics
from streams.runtime import serving
from streams.runtime import serving as protocol
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from tests.tools.bench import yardstick
from tests.tools.fuzz.book import peak_mb, unfit
from tests.tools.fuzz.examples import SIGNALS
from tests.tools.fuzz.mutations import MARKERS, nested
from tests.tools.fuzz.wire import Wire

MEGABYTE = 2**20
WORK_SECONDS = 2.0  # of CPU, on a core on which a signal of the yardstick's takes so long or less
YARDSTICK_US = 4.0
GOOD = json.dumps(SIGNALS[0]).encode()


@pytest.fixture
async def wire(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    """A connection to an intake whose patience is short."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(serving, "BODY_SECONDS", 0.5)
    topics.create(settings)
    own = settings.model_copy(update={"http_port": 0})
    async with running(own, IntakeSettings(), Clock()) as address:
        parts = urlsplit(address)
        wire = Wire(str(parts.hostname), int(parts.port or 0))
        while (await wire.raw(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")).status != 200:
            pass
        yield wire
        await wire.close()


def head(settings: Settings, **fields: str) -> dict[str, str]:
    usual = {"Authorization": f"Bearer {embedded_key(settings)}", "Content-Type": "application/json"}
    return usual | {name.replace("_", "-"): value for name, value in fields.items()}


def start(settings: Settings, **fields: str) -> bytes:
    """A request's head, as it is told."""
    lines = [f"{name}: {value}" for name, value in head(settings, **fields).items()]
    return "\r\n".join(["POST /signals HTTP/1.1", "Host: x", *lines, "", ""]).encode("latin-1")


NAMED: dict[str, tuple[bytes, dict[str, str], set[int]]] = {
    "a gzip bomb of 1 GB": (gzip.compress(b" " * (64 * MEGABYTE)) * 16, {"Content_Encoding": "gzip"}, {413}),
    "200,000 empty gzip files": (gzip.compress(b"") * 200_000, {"Content_Encoding": "gzip"}, {400}),
    "a deflate bomb": (zlib.compress(b" " * (64 * MEGABYTE)), {"Content_Encoding": "deflate"}, {415}),
    "packed by brotli": (GOOD, {"Content_Encoding": "br"}, {415}),
    "nesting a hundred thousand deep": (nested(100_000).encode(), {}, {400}),
    "a field nested 900 deep": (GOOD[:-1] + b',"x":' + nested(900).encode() + b"}", {}, {422}),
    "two million numbers": (b"[" + b"1," * (2 * MEGABYTE - 2) + b"1]", {}, {413}),
    "two million bad lines": (b"x\n" * (2 * MEGABYTE), {"Content_Type": "application/x-ndjson"}, {413}),
    "five thousand items of twenty unknown fields": (
        json.dumps([{"kind": "transfer", **{f"x{n}": 1 for n in range(19)}}] * 5000).encode(),
        {},
        {422},
    ),
    "300,000 fields": (json.dumps({f"x{n}": n for n in range(300_000)}).encode(), {}, {413, 422}),
    "NaN": (GOOD.replace(b"4980000", b"NaN"), {}, {422}),
    "1e308": (GOOD.replace(b"4980000", b"1e308"), {}, {422}),
    "a number of 100,000 digits": (GOOD.replace(b"4980000", b"9" * 100_000), {}, {422}),
    "negative money": (GOOD.replace(b"4980000", b"-1"), {}, {422}),
    "the year 9999": (GOOD.replace(b"2026-03-01T", b"9999-12-31T"), {}, {422}),
    "the year 1": (GOOD.replace(b"2026-03-01T", b"0001-01-01T"), {}, {422}),
    "the year 0": (GOOD.replace(b"2026-03-01T", b"0000-01-01T"), {}, {422}),
    "a zone of +14h before 2000": (GOOD.replace(b"2026-03-01T11:12:00+08:00", b"2000-01-01T00:00:00+14:00"), {}, {422}),
    "NUL": (GOOD.replace(b'"t1"', b'"t\\u0000"'), {}, {422}),
    "half a surrogate": (GOOD.replace(b'"t1"', b'"\\ud800"'), {}, {422}),
    "right-to-left override": (GOOD.replace(b'"t1"', b'"\\u202et1"'), {}, {422}),
    "GB18030": (json.dumps({"kind": MARKERS[0]}, ensure_ascii=False).encode("gb18030"), {}, {400}),
    "a key given twice": (GOOD[:-1] + b',"payee":"6222000000000009"}', {}, {422}),
    "digits of another script": (GOOD.replace(b"6222 0000 0000 0001", "٦٢٢٢٠٠٠٠٠٠٠٠".encode()), {}, {422}),
    "nothing": (b"", {}, {400}),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, {}, {202}),
    "UTF-16": (GOOD.decode().encode("utf-16"), {}, {400}),
    "a field of a person's": (json.dumps({**SIGNALS[0], MARKERS[0]: MARKERS[1]}).encode(), {}, {422}),
}


@pytest.mark.parametrize("name", NAMED)
async def test_a_hostile_body_is_answered_within_a_second_of_work(wire: Wire, settings: Settings, name: str) -> None:
    body, fields, statuses = NAMED[name]
    headers, before = head(settings, **fields), time.process_time()
    answer = await wire.post("/signals", body, headers)
    used = time.process_time() - before  # the client's work is in it
    assert used < WORK_SECONDS or used < WORK_SECONDS * yardstick.us_per_signal() / YARDSTICK_US
    assert answer.status in statuses
    if answer.status != 202:
        assert unfit(json.dumps(json.loads(answer.text).get("errors", answer.text)[:20], ensure_ascii=False)) is None
    assert (await wire.post("/signals", GOOD, head(settings))).status == 202


async def test_a_body_of_100_mb_is_refused_before_it_has_come(wire: Wire, settings: Settings) -> None:
    told = start(settings, Content_Length=str(100 * MEGABYTE))
    assert (await wire.raw(told + b"[")).status == 413
    await wire.close()
    before = peak_mb()
    size = f"{100 * MEGABYTE + 1:x}\r\n".encode()  # of one chunk: the head does not tell the body's length
    request = b"".join((start(settings, Transfer_Encoding="chunked"), size, b"[", b" " * (100 * MEGABYTE)))
    # A server that ends the connection in the midst of it may be heard no more.
    assert (await wire.raw(request)).status in (0, 413)
    assert peak_mb() - before < 350  # the body and the request are the client's own
    assert (await wire.post("/signals", GOOD, head(settings))).status == 202


@pytest.mark.parametrize(
    ("name", "tail", "statuses"),
    [
        ("no length", b"", {400}),
        ("a length that is no number", b"Content-Length: ten\r\n", {400}),
        ("a length in other digits", "Content-Length: ١٠\r\n".encode(), {400}),
        ("a length of 5,000 digits", b"Content-Length: " + b"9" * 5000 + b"\r\n", {400, 413}),
        ("two lengths", b"Content-Length: 2\r\nContent-Length: 3\r\n", {400}),
        ("a negative length", b"Content-Length: -1\r\n", {400}),
        ("a hundred thousand headers", b"X: y\r\n" * 100_000, {0, 400, 431}),
        ("a header of a megabyte", b"X: " + b"y" * 2**20 + b"\r\n", {0, 400, 431}),
        ("a header without a name", b": y\r\n", {400}),
        ("a NUL in a header", b"X: \0\r\n", {400}),
        ("broken chunks", b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", {0, 400}),
        ("an endless chunk's head", b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 100_000, {0, 400, 408}),
    ],
)
async def test_a_head_that_is_wrong_is_refused_or_ends_the_connection(
    wire: Wire, settings: Settings, name: str, tail: bytes, statuses: set[int]
) -> None:
    answer = await wire.raw(start(settings)[:-2] + tail + b"\r\n")
    assert answer.status in statuses
    await wire.close()
    assert (await wire.post("/signals", GOOD, head(settings))).status == 202


async def test_a_head_that_never_ends_is_given_up(wire: Wire) -> None:
    began = time.monotonic()
    assert (await wire.raw(b"POST /signals HTTP/1.1\r\nHost: x\r\nX-Slow: ")).status == 0
    assert time.monotonic() - began < 5


async def test_a_body_that_never_comes_is_answered_408(wire: Wire, settings: Settings) -> None:
    assert (await wire.raw(start(settings, Content_Length="100") + b"[")).status == 408


async def test_a_body_that_is_longer_than_it_says_is_another_request_and_no_good_one(
    wire: Wire, settings: Settings
) -> None:
    first = await wire.raw(start(settings, Content_Length="2") + b"[]" + b"junk\r\n\r\n")
    assert first.status == 202
    await wire.close()


async def test_requests_sent_ahead_are_all_served(wire: Wire, settings: Settings) -> None:
    request = start(settings, Content_Length=str(len(GOOD))) + GOOD
    assert [(await wire.raw(request * 3)).status, (await wire.raw(b"")).status, (await wire.raw(b"")).status] == [
        202
    ] * 3
