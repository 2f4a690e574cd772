"""Payments of ISO 20022 over HTTP and from files, with a real server and broker."""

import gzip
import uuid
from pathlib import Path

import httpx

from streams.dead_letters.taking import ready
from streams.intake.acceptor import Intake
from streams.intake.files import FileReport, intake_file
from streams.intake.settings import hash_of_key
from streams.messaging import topics
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from tests.streams.intake.intake_signals import KEY, dead_letters, intake_client, until_ready, written
from tests.streams.iso20022.messages import AT, payment, payments, report

HEADERS = {"Content-Type": "application/xml; charset=utf-8"}


def name() -> str:
    return f"E{uuid.uuid4().hex[:20]}"


async def posted(settings: Settings, *bodies: bytes, source: str = "zzzzcnzz") -> list[httpx.Response]:
    """The answers to documents that the bank `source` sends."""
    topics.create(settings)
    async with intake_client(settings, api_keys=f"{source}:{hash_of_key(KEY)}") as client:
        await until_ready(client)
        return [await client.post("/signals", content=body, headers=HEADERS) for body in bodies]


async def taken(settings: Settings, path: Path) -> FileReport:
    topics.create(settings)
    producer = make_producer(settings)
    await producer.start()
    try:
        return await intake_file("iso20022", path, Intake(producer, settings), settings, Clock(), chunk=2)
    finally:
        await producer.stop()


async def test_a_documents_payments_are_accepted_and_an_invalid_one_is_named(settings: Settings) -> None:
    good = name()
    body = payments(payment(good), payment(currency="USD"))
    mixed, settled, broken = await posted(settings, body, report(name=good), body[:300])
    assert (mixed.status_code, mixed.json()["ids"]) == (422, [good])
    (fault,) = mixed.json()["errors"]
    assert (fault["item"], fault["what"]) == (1, "CdtTrfTxInf/IntrBkSttlmAmt: the currency is not CNY")
    assert (settled.status_code, settled.json()["ids"]) == (202, [good])
    assert (broken.status_code, broken.json()["error"]) == (400, "line 2, column 262: not well-formed XML")
    found = await written(settings, good)
    assert sorted(each["state"] for each in found) == ["pending", "settled"]
    assert {each["source"] for each in found} == {"zzzzcnzz"}


async def test_a_bank_sends_only_payments_of_its_own_customers(settings: Settings) -> None:
    (refused,) = await posted(settings, payments(payment(name())), source="yyyycnyy")
    assert refused.status_code == 403


async def test_a_files_transactions_are_accepted_or_dead_letters_that_can_be_repaired(
    settings: Settings, tmp_path: Path
) -> None:
    names = [name() for _ in range(4)]
    each = [payment(names[0]), payment(names[1], currency="USD"), payment(names[2]), payment(names[3])]
    path = tmp_path / f"{name()}.xml"
    path.write_bytes(gzip.compress(payments(*each)))
    found = await taken(settings, path)
    assert (found.rows, found.accepted, found.dead_lettered) == (4, 3, 1)
    assert len(await written(settings, *names)) == 3
    (letter,) = await dead_letters(settings, path.name)
    assert (getattr(letter.where, "line", None), letter.source) == (2, "iso20022")
    assert letter.why == "CdtTrfTxInf/IntrBkSttlmAmt: the currency is not CNY"
    mended = ready(letter, letter.content.replace(b"USD", b"CNY"), 4, AT)
    assert mended.ids == [f"zzzzcnzz:{names[1]}"]


async def test_a_file_that_cannot_be_read_is_one_dead_letter_with_its_place(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / f"{name()}.xml"
    path.write_bytes(b"<!DOCTYPE x>\n" + payments(payment()))
    found = await taken(settings, path)
    assert (found.rows, found.accepted, found.dead_lettered) == (1, 0, 1)
    (letter,) = await dead_letters(settings, path.name)
    assert letter.why.startswith("line 1, column 1: a document type declaration")
    assert letter.content == path.read_bytes()


async def test_a_bank_that_may_send_no_payments_sends_none_in_this_form_either(settings: Settings) -> None:
    limited = settings.model_copy(update={"source_rights": "zzzzcnzz:report"})
    (refused,) = await posted(limited, payments(payment(name())))
    assert (refused.status_code, refused.json()["accepted"]) == (422, 0)
    assert refused.json()["errors"][0]["what"] == "this source may not send signals of the kind transfer"
