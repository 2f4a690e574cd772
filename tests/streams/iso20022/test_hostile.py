"""Ten thousand hostile documents: each gives a clear error with its place, and nothing else happens."""

import os
import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from streams.intake.acceptor import Unreadable, examine
from streams.intake.formats.iso20022 import items_of_document, open_rows, rows_of
from streams.intake.formats.rows import Options, RowError
from streams.intake.parsing import BodyError
from streams.iso20022 import document
from streams.iso20022.document import MessageError
from streams.iso20022.payments import transactions
from streams.iso20022.resolution import resolution
from tests.streams.iso20022.hostile import HOSTILE, Make, flipped, pointed, valid
from tests.streams.iso20022.messages import payment, payments

NUMBER, PARTS = 10_000, 10
NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
PLACE = re.compile(r"line \d+|[A-Z][A-Za-z]+/|^(Sts|Document|GrpHdr)|over |transactions")
VALUES = ("990000000000000", "某")  # the accounts' and names' beginnings


@pytest.fixture
def out_of_bounds(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A file whose reader would wait for ever, and a server that nobody may call."""
    file = tmp_path / "canary"
    os.mkfifo(file)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield str(file), f"http://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(BlockingIOError):
            server.accept()


def faults(body: bytes) -> list[str]:
    """What each reader says of a document; none of a reader that takes it."""
    return [why for read in (_request, _file, _answer) if (why := read(body)) is not None]


def _request(body: bytes) -> str | None:
    try:
        items = items_of_document(body)
    except BodyError as error:
        return str(error)
    examine(items, NOW)
    return next((item.what for item in items if isinstance(item, Unreadable)), None)


def _file(body: bytes) -> str | None:
    row = open_rows(b"", Options())
    try:
        examine([row(each, "1") for each in rows_of(body)], NOW)
    except RowError as error:
        return str(error)
    return None


def _answer(body: bytes) -> str | None:
    try:
        resolution(body)
    except MessageError as error:
        return str(error)
    return None


def _clear(why: str) -> bool:
    return bool(PLACE.search(why)) and len(why) < 300 and not any(value in why for value in VALUES)


@pytest.mark.parametrize("part", range(PARTS))
def test_each_hostile_document_is_refused_with_its_place_and_touches_nothing(
    part: int, out_of_bounds: tuple[str, str]
) -> None:
    for number in range(part, NUMBER, PARTS):
        chance = Random(number)
        make: Make = HOSTILE[number // PARTS % len(HOSTILE)]
        found = faults(make(chance, valid(chance), *out_of_bounds))
        assert len(found) == 3, (number, make.__name__)
        assert all(map(_clear, found)), (number, make.__name__, found)


def test_a_document_with_changed_bytes_is_read_or_refused_with_its_place(out_of_bounds: tuple[str, str]) -> None:
    for number in range(2_000):
        chance = Random(number)
        found = faults(flipped(chance, valid(chance), *out_of_bounds))
        assert all(map(_clear, found)), (number, found)


def test_what_a_document_points_to_is_not_read(out_of_bounds: tuple[str, str]) -> None:
    body = payments(payment())
    assert items_of_document(pointed(Random(1), body, *out_of_bounds)) == items_of_document(body)


@pytest.mark.parametrize("read", [_request, _file, _answer])
def test_a_document_past_the_limit_is_not_parsed(
    read: Callable[[bytes], str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "MOST_BYTES", 2**20)
    assert read(payments(payment(more=" " * 2**20))) == "over 1 MiB: write several documents"


@pytest.mark.parametrize("where", [b"<Document ", b"<FIToFICstmrCdtTrf ", b"<CdtTrfTxInf ", b"<PmtId "])
def test_namespaces_are_few_because_each_element_that_is_copied_searches_them(where: bytes) -> None:
    many = b" ".join(b'xmlns:a%d="u"' % number for number in range(30))
    body = payments(payment())
    for name in (b"<FIToFICstmrCdtTrf", b"<CdtTrfTxInf", b"<PmtId"):
        body = body.replace(name + b">", name + b" >")
    why = "line 2: over 20 namespaces; a message needs one"
    with pytest.raises(MessageError, match=why):
        transactions(body.replace(where, where + many + b" "))
