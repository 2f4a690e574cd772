"""A dead letter of a bank's own file is read again by the mapping that it was refused by, once its cells are mended."""

import base64
import json
from datetime import UTC, date, datetime

import pytest

from domain.feeds.bank_mapping import BankMapping
from domain.feeds.repair import load
from schemas.administration.dead_letters import DeadLetter, LinePlace, Reading
from schemas.risk.signals import Signal
from streams.dead_letters.repaired import CannotSendError, Repair
from streams.dead_letters.taking import ready
from tests.domain.feeds.bank_mappings import CELLS, mapping

NOW = datetime(2026, 3, 2, tzinfo=UTC)
BANK = mapping(('format = "delimited"', 'format = "delimited"\nencoding = "gb18030"\ndelimiter = "|"'))
REVERSED = CELLS | {"state": "冲正"}


def letter(cells: dict[str, str] = REVERSED, bank: BankMapping = BANK) -> DeadLetter:
    header = base64.b64encode("|".join(CELLS).encode("gb18030")).decode()
    reading = Reading(header=header, start=date(2026, 1, 1), zone="UTC", mapping=bank.text)
    where = LinePlace(file="f.csv", digest="0123456789abcdef", line=3, reading=reading)
    return DeadLetter.of("alder", where, "why", line(cells), NOW)


def line(cells: dict[str, str]) -> bytes:
    return "|".join(cells.values()).encode("gb18030")


def sent(found: DeadLetter, mended: Repair) -> Signal:
    (signal,) = ready(found, mended, 4, NOW).signals
    return signal


@pytest.mark.parametrize(
    "mended",
    [
        load('[replace.state]\n"冲正" = "成功"'),
        load('set = { state = "成功" }'),
        line(CELLS | {"state": "成功"}) + b"\r\n",
    ],
)
def test_mended_by_rules_of_its_columns_or_by_hand_a_row_is_sent(mended: Repair) -> None:
    signal = sent(letter(), mended)
    assert signal.kind == "transfer"
    assert (signal.uid, signal.state, signal.amount_fen) == ("alder:s-1", "settled", 4_980_000)


@pytest.mark.parametrize(
    ("mended", "why"),
    [
        (None, "the word is not in"),
        (load('set = { serial = "s-2" }'), "id: must stay"),
        (line(CELLS | {"serial": "s-2"}), "id: must stay"),
        (load('remove = ["sum"]'), "the column sum is missing"),
        (b"1|2", "2 fields where the header has 9"),
    ],
)
def test_a_repair_that_does_not_fit_is_refused(mended: Repair, why: str) -> None:
    with pytest.raises(CannotSendError, match=why):
        ready(letter(), mended, 4, NOW)


def test_a_row_whose_stored_mapping_cannot_be_read_is_refused() -> None:
    found = letter(bank=BANK.model_copy(update={"text": "of = 'a later version'"}))
    with pytest.raises(CannotSendError, match="the stored mapping, "):
        ready(found, None, 4, NOW)


def test_a_row_without_its_own_id_keeps_that_of_its_line() -> None:
    bank = mapping(
        ('id = "serial"', ""), ('format = "delimited"', 'format = "delimited"\ndelimiter = "|"\nencoding = "gb18030"')
    )
    signal = sent(letter(bank=bank), load('set = { state = "成功" }'))
    assert signal.id == "01234567-3"


def test_a_row_of_a_workbook_is_mended_as_the_array_that_it_is_kept_as() -> None:
    bank = mapping(('format = "delimited"', 'format = "xlsx"'))
    header = base64.b64encode(json.dumps(list(CELLS)).encode()).decode()
    reading = Reading(header=header, start=date(2026, 1, 1), zone="UTC", mapping=bank.text)
    where = LinePlace(file="f.xlsx", digest="0123456789abcdef", line=3, reading=reading)
    found = DeadLetter.of("alder", where, "why", json.dumps(list(REVERSED.values())).encode(), NOW)
    assert sent(found, json.dumps(list(CELLS.values())).encode()).id == "s-1"
