"""Polling another centre's server: goes on where it stopped, and a hostile server does no harm."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streams.intake.files import FileReport
from streams.intake.row_files import LONGEST_FILE
from streams.intake.taxii.collection import collection_id
from streams.intake.taxii.polling import (
    MOST_PAGES,
    PollReport,
    PollState,
    TaxiiError,
    TaxiiSource,
    poll,
    state_file,
)
from streams.intake.taxii.taking import taxii_client
from streams.runtime.serving import http_server, serving
from tests.streams.intake.stix.taxii_line import CENTRE, NOW, ROOT, reader, serving_suspects, suspect

TAXII = "application/taxii+json;version=2.1"
Answer = Callable[[Request], Response]


class Taken:
    """Takes in pages as intake would, and remembers the numbers in them. Fails at the page `fails_at`."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.pages: list[list[str]] = []
        self._fails_at = fails_at

    async def __call__(self, content: bytes) -> FileReport:
        if self._fails_at == len(self.pages):
            raise OSError("Kafka is away")
        found = orjson.loads(content)["objects"]
        self.pages.append([each.get("pattern", "")[-5:-2] for each in found])
        return FileReport(file="page", format="stix", rows=len(found), accepted=len(found), dead_lettered=0)


def source(address: str, **more: Any) -> TaxiiSource:  # noqa: ANN401 - fields of a dataclass
    usual = {"source": "centre-a", "root": f"{address}{ROOT}", "collection": collection_id(CENTRE)}
    return TaxiiSource(**(usual | {"key": "key of liaoning"} | more))


async def polled(where: TaxiiSource, take: Taken, folder: Path) -> PollReport:
    async with taxii_client() as client:
        return await poll(where, take, state_file(folder, where), NOW, client)


def stored(folder: Path, where: TaxiiSource) -> PollState:
    return PollState.model_validate_json(state_file(folder, where).read_bytes())


async def test_a_second_poll_reads_only_what_was_added_since(tmp_path: Path) -> None:
    suspects = [suspect(number) for number in range(1, 4)]
    async with serving_suspects(suspects[:2]) as address:
        take, where = Taken(), source(address)
        first = await polled(where, take, tmp_path)
        assert (first.pages, first.accepted, first.whole) == (1, 2, True)
        assert (await polled(where, take, tmp_path)).pages == 0
    async with serving_suspects(suspects) as address:
        state = state_file(tmp_path, source(address))
        state.write_text(PollState(added_after=first.added_after).model_dump_json())
        await polled(source(address), take, tmp_path)
    assert take.pages == [["001", "002"], ["003"]]


async def test_many_pages_are_read_and_each_is_stored_so_that_an_interrupted_poll_goes_on(tmp_path: Path) -> None:
    suspects = [suspect(number) for number in range(1_200)]
    async with serving_suspects(suspects) as address:
        where, broken, take = source(address), Taken(fails_at=1), Taken()
        with pytest.raises(OSError, match="away"):
            await polled(where, broken, tmp_path)
        report = await polled(where, take, tmp_path)
        assert report.pages == 2
    read = [number for page in (*broken.pages, *take.pages) for number in page]
    assert sorted(read) == sorted(f"{number:08}"[-3:] for number in range(1_200))
    assert [len(page) for page in take.pages] == [500, 200]


async def test_http_basic_is_used_when_a_user_is_named(tmp_path: Path) -> None:
    async with serving_suspects([suspect(1)]) as address:
        assert (await polled(source(address, user="liaoning"), Taken(), tmp_path)).accepted == 1
        with pytest.raises(TaxiiError, match="answers 401: have it share"):
            await polled(source(address, user="heilongjiang"), Taken(), tmp_path)
        with pytest.raises(TaxiiError, match="answers 404: check the API root"):
            await polled(source(address, collection="other"), Taken(), tmp_path)


@pytest.mark.parametrize("root", ["http://taxii.example/", "ftp://127.0.0.1/", "taxii", "https://a.example/?q=1", ""])
def test_a_key_is_sent_only_encrypted_or_within_this_machine(root: str) -> None:
    with pytest.raises(TaxiiError, match="https://HOST/PATH/"):
        source("", root=root)


@pytest.mark.parametrize("collection", ["", "../x", "a/b", "x" * 129, "a?b"])
def test_a_collection_is_an_id(collection: str) -> None:
    with pytest.raises(TaxiiError, match="--collection"):
        source("http://127.0.0.1:1", collection=collection)


def test_the_key_is_in_no_text() -> None:
    assert "key of liaoning" not in repr(source("http://127.0.0.1:1"))


# --- hostile servers --------------------------------------------------------------------------------------------------


@asynccontextmanager
async def hostile(answer: Answer) -> AsyncIterator[TaxiiSource]:
    async def any_page(request: Request) -> Response:
        return answer(request)

    app = Starlette(routes=[Route("/{path:path}", any_page)])
    async with serving(http_server(app), "127.0.0.1", 0, "QUANZU_HTTP_PORT") as address:
        yield source(address)


def page(value: object, last: str | None = "2026-03-01T00:00:00.000000Z", **headers: str) -> Response:
    more = {"X-TAXII-Date-Added-Last": last} if last else {}
    return Response(orjson.dumps(value), 200, more | headers, TAXII)


ONE = [{"type": "indicator", "id": "x"}]


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (lambda request: Response("<html>", 200, {}, "text/html"), "not TAXII 2.1"),
        (lambda request: Response("{", 200, {}, TAXII), "not an envelope"),
        (lambda request: Response("[" * 100_000, 200, {}, TAXII), "not an envelope"),
        (lambda request: page([]), "not an envelope"),
        (lambda request: page({"type": "bundle", "objects": ONE}), "not an envelope"),
        (lambda request: page({"objects": ONE, "next": 7}), "next is not a text"),
        (lambda request: page({"objects": ONE, "next": "x" * 2_000}), "next is not a text"),
        (lambda request: page({"objects": ONE, "more": True, "next": "same"}), "without end"),
        (lambda request: page({"objects": [], "more": True, "next": "n"}), "without end"),
        (lambda request: page({"objects": ONE, "more": True}), "does not say how"),
        (lambda request: page({"objects": ONE, "more": True}, last=None), "does not say how"),
        (lambda request: page({"objects": ONE}, **{"Content-Encoding": "gzip"}), "compressed"),
        (lambda request: Response("", 302, {"Location": "https://elsewhere.example/"}), "answers 302"),
        (lambda request: Response("", 500, {}, TAXII), "answers 500"),
        (lambda request: Response(b" " * (LONGEST_FILE + 1), 200, {}, TAXII), "over 16 MiB"),
    ],
)
async def test_an_answer_that_cannot_be_used_is_refused_and_the_poll_ends(
    answer: Answer, what: str, tmp_path: Path
) -> None:
    async with hostile(answer) as where:
        with pytest.raises(TaxiiError, match=what):
            await polled(where, Taken(), tmp_path)


async def test_empty_pages_that_claim_to_go_on_end_the_poll_and_move_nothing(tmp_path: Path) -> None:
    count = iter(range(10**9))

    def answer(request: Request) -> Response:
        last = NOW - timedelta(days=1) + timedelta(seconds=next(count))
        return page({"more": True}, last=f"{last:%Y-%m-%dT%H:%M:%S.%fZ}")

    async with hostile(answer) as where:
        with pytest.raises(TaxiiError, match="without end"):
            await polled(where, Taken(), tmp_path)
        assert not state_file(tmp_path, where).exists()
    assert next(count) == 1


async def test_a_server_that_never_ends_is_left_after_a_thousand_pages(tmp_path: Path) -> None:
    count = iter(range(10**9))

    def answer(request: Request) -> Response:
        return page({"objects": ONE, "more": True, "next": str(next(count))})

    async with hostile(answer) as where:
        report = await polled(where, Taken(), tmp_path)
    assert (report.pages, report.whole) == (MOST_PAGES, False)


async def test_a_time_in_the_future_does_not_make_later_objects_unread(tmp_path: Path) -> None:
    async with hostile(lambda request: page({"objects": ONE}, last="2099-01-01T00:00:00Z")) as where:
        await polled(where, Taken(), tmp_path)
        assert stored(tmp_path, where).added_after == NOW


async def test_a_time_that_goes_back_or_is_none_changes_nothing(tmp_path: Path) -> None:
    for last in ("2026-02-01T00:00:00Z", "soon", "2026-02-30T00:00:00Z", "1970-01-01T00:00:00Z"):
        async with hostile(lambda request, last=last: page({"objects": ONE}, last=last)) as where:  # type: ignore[misc]
            state = state_file(tmp_path, where)
            state.write_text(PollState(added_after=NOW - timedelta(days=1)).model_dump_json())
            assert (await polled(where, Taken(), tmp_path)).accepted == 1
            assert stored(tmp_path, where).added_after == NOW - timedelta(days=1)


async def test_a_server_that_is_away_is_said_so_without_the_key(tmp_path: Path) -> None:
    with pytest.raises(TaxiiError, match="does not answer") as error:
        await polled(source("http://127.0.0.1:1"), Taken(), tmp_path)
    assert "key of" not in str(error.value)


async def test_a_broken_state_is_not_taken_for_the_beginning(tmp_path: Path) -> None:
    where = source("http://127.0.0.1:1")
    state_file(tmp_path, where).write_text("{")
    with pytest.raises(TaxiiError, match="Remove it to read all"):
        await polled(where, Taken(), tmp_path)


async def test_only_indicators_are_asked_for(tmp_path: Path) -> None:
    """The poller asks for indicators only, so the centre and the marks are not among the rows."""
    async with serving_suspects([suspect(1)]) as address, reader(address) as client:
        everything = (await client.get(f"{ROOT}collections/{collection_id(CENTRE)}/objects/")).json()
        report = await polled(source(address), Taken(), tmp_path)
    assert (len(everything["objects"]), report.rows) == (5, 1)
