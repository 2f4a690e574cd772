"""POST /v1/reported-frauds and CSV files of the police's records, with a real Kafka."""

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from openpyxl import Workbook

from domain.feeds.fraud_mapping import FraudMapping, load
from domain.feeds.source_rights import NO_DECISIONS, rights_of_sources
from domain.identity.id_keys import IdKeys
from schemas.administration.dead_letters import letter_adapter
from schemas.risk.reported_frauds import ReportedFraud
from streams.intake.acceptor import Intake
from streams.intake.files import FileReport
from streams.intake.fraud_files import take_fraud_file
from streams.intake.fraud_trial import try_frauds
from streams.intake.reported_frauds import examine_frauds, routes
from streams.intake.row_files import FileRefusedError
from streams.intake.server import running
from streams.intake.settings import IntakeSettings, hash_of_key
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from tests.streams.intake.intake_signals import cannot_encrypt

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
KEYS = IdKeys(b"a secret of thirty-two bytes ....")
POLICE = rights_of_sources("police:all")
ID_NUMBER = "990000197001010077"
WHERE = "/v1/reported-frauds"
ITEM: dict[str, Any] = {
    "source": "police",
    "id": "A1",
    "reported_at": "2026-03-01T11:00:00+08:00",
    "id_number": ID_NUMBER,
    "phone": "199 0000 1234",
    "accounts": ["6222 0200 0000 0001"],
    "name": "王某伟",
    "loss_fen": 500_000,
}


def examined(**fields: object) -> tuple[list[ReportedFraud], list[tuple[str | None, str]]]:
    item = {name: value for name, value in (ITEM | fields).items() if value is not None}
    found = examine_frauds([item], NOW, POLICE, KEYS)
    return found.records, [(fault.field, fault.what) for fault in found.faults]


def test_numbers_are_normalized_and_the_id_number_is_hashed() -> None:
    [record], _ = examined()
    assert record.phone == "+8619900001234"
    assert record.accounts == ["6222020000000001"]
    assert record.id_hash == KEYS.hash_of_text(ID_NUMBER)
    assert ID_NUMBER not in record.model_dump_json()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"id_number": "990000197001010070"}, "id_number"),
        ({"id_number": 7}, "id_number"),
        ({"id_number": ID_NUMBER, "id_hash": "a" * 26}, "id_number"),
        ({"phone": "not a telephone"}, "phone"),
        ({"accounts": ["?"]}, "accounts"),
        ({"accounts": [f"622202000000{n:04}" for n in range(9)]}, "accounts"),
        ({"id": "A 1"}, "id"),
        ({"id": "A\u202e1"}, "id"),
        ({"id": "A" * 65}, "id"),
        ({"loss_fen": -1}, "loss_fen"),
        ({"loss_fen": 1.5}, "loss_fen"),
        ({"version": 0}, "version"),
        ({"reported_at": "2026-03-01"}, "reported_at"),
        ({"happened_from": "2026-03-01T11:00:00Z", "happened_to": "2026-03-01T10:00:00Z"}, None),
        ({"division": "Jilin"}, "division"),
        ({"name": "王\u202e伟"}, "name"),
        ({"weight": 1}, "weight"),
        ({"source": "bank"}, "source"),
        ({f"f{n}": n for n in range(30)}, None),
    ],
)
def test_an_invalid_field_is_named_without_its_value(fields: dict[str, object], field: str | None) -> None:
    records, faults = examined(**fields)
    assert records == []
    assert faults[0][0] == field
    assert not any(secret in str(faults) for secret in (ID_NUMBER, "王", "not a telephone"))


def test_items_that_are_no_objects_are_faults() -> None:
    items: list[object] = [None, [], "x", 3, {}, {1: 2}]
    found = examine_frauds(items, NOW, POLICE, KEYS)
    assert {fault.item for fault in found.faults} == set(range(len(items)))


def test_only_a_named_source_may_send_the_polices_records() -> None:
    assert examine_frauds([ITEM], NOW, NO_DECISIONS, KEYS).records == []
    assert examine_frauds([ITEM], NOW, rights_of_sources("police:report"), KEYS).records == []
    with pytest.raises(ValueError, match="every feed could"):
        rights_of_sources("*:reported_fraud")


def test_a_report_from_the_future_is_of_now() -> None:
    [record], _ = examined(reported_at="2027-01-01T00:00:00Z")
    assert record.reported_at == NOW


@asynccontextmanager
async def client(intake: Intake, settings: Settings, source: str = "police") -> AsyncIterator[httpx.AsyncClient]:
    keys = ",".join(f"{name}:{hash_of_key(f'key of {name}')}" for name in ("police", "bank"))
    own = settings.model_copy(update={"http_port": 0, "source_rights": "police:all"})
    given, clock = IntakeSettings.model_validate({"api_keys": keys}), Clock()
    context = SimpleNamespace(clock=clock, producer=intake.producer)
    async with running(own, given, clock, routes(own, given, context)) as address:
        headers = {"Authorization": f"Bearer key of {source}"}
        async with httpx.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=20) as found:
            yield found


async def stored(settings: Settings) -> list[ReportedFraud]:
    topic = topics.REPORTED_FRAUDS.name
    return [ReportedFraud.model_validate_json(each.value or b"") async for each in read_all(settings, topic)]


async def test_valid_records_are_written_and_the_faults_of_others_answered(intake: Intake, settings: Settings) -> None:
    async with client(intake, settings) as police:
        assert (await police.post(WHERE, json=ITEM)).status_code == 202
        answer = await police.post(WHERE, json=[ITEM | {"id": "A2"}, ITEM | {"id": "A3", "phone": "x"}])
        assert (answer.status_code, answer.json()["ids"]) == (422, ["A2"])
        assert answer.json()["errors"][0]["field"] == "phone"
        lines = "\n".join(json.dumps(ITEM | {"id": name}) for name in ("A4", "A5"))
        sent = await police.post(WHERE, content=lines, headers={"Content-Type": "application/x-ndjson"})
        assert sent.json()["accepted"] == 2
        assert (
            await police.post(WHERE, content="<a/>", headers={"Content-Type": "application/xml"})
        ).status_code == 415
        assert (await police.post(WHERE, content="{", headers={"Content-Type": "application/json"})).status_code == 400
    assert {"A1", "A2", "A4", "A5"} <= {record.id for record in await stored(settings)}


async def test_a_bank_may_not_send_the_polices_records(intake: Intake, settings: Settings) -> None:
    async with client(intake, settings, "bank") as bank:
        answer = await bank.post(WHERE, json=ITEM | {"id": "B1"})
        assert answer.status_code == 403, answer.text
        answer = await bank.post(WHERE, json=ITEM | {"id": "B1", "source": "bank"})
        assert (answer.status_code, answer.json()["accepted"]) == (422, 0)
    assert "B1" not in {record.id for record in await stored(settings)}


async def test_records_that_cannot_be_encrypted_are_answered_with_503(
    intake: Intake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    cannot_encrypt(monkeypatch)
    async with client(intake, settings) as police:
        answer = await police.post(WHERE, json=ITEM)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


async def taken(intake: Intake, settings: Settings, file: Path, by: str | FraudMapping = "police") -> FileReport:
    return await take_fraud_file(file, by, intake.producer, settings.partitions, POLICE, KEYS, NOW)


HEADER = "案件编号,受理时间,发案结束时间,涉案金额,身份证号,手机号,账号,姓名,区划代码"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_a_files_rows_are_written_or_become_dead_letters_without_the_id_number(
    intake: Intake, settings: Settings, tmp_path: Path, encoding: str
) -> None:
    file = tmp_path / "day.csv"
    paid = '2026-02-28T22:00:00+08:00,"12,345.6"'
    good = f'F1{encoding},2026-03-01 11:00,{paid},{ID_NUMBER},19900001234,"62001111;62002222",王某伟,220102'
    bad = f"F2{encoding},2026-03-01 11:00,,1,{ID_NUMBER},none,,王某伟,220102"
    short = f"F3{encoding},2026-03-01 11:00"
    file.write_bytes("\r\n".join([HEADER, good, "", bad, short]).encode(encoding))
    report = await taken(intake, settings, file)
    assert (report.rows, report.accepted, report.dead_lettered) == (3, 1, 2)
    [record] = [each for each in await stored(settings) if each.id == f"F1{encoding}"]
    assert (record.loss_fen, record.accounts) == (1_234_560, ["62001111", "62002222"])
    assert record.reported_at == datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
    letters = [
        letter_adapter.validate_json(each.value or b"") async for each in read_all(settings, topics.DEAD_LETTERS.name)
    ]
    mine = [each for each in letters if f"F2{encoding}".encode() in each.content]
    assert [each.why.partition(":")[0] for each in mine] == ["phone"]
    assert ID_NUMBER.encode() not in mine[0].content


async def test_a_packed_file_with_english_columns_is_taken_in(
    intake: Intake, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "day.csv.gz"
    file.write_bytes(gzip.compress(b"id,reported_at,version,name\nG1,2026-03-01T11:00:00Z,2,Wang\n"))
    assert (await taken(intake, settings, file)).accepted == 1


@pytest.mark.parametrize("version", ["9" * 5_000, "0000001", "-1", "second"])
async def test_a_version_that_is_no_number_or_too_long_makes_only_its_row_a_dead_letter(
    intake: Intake, settings: Settings, tmp_path: Path, version: str
) -> None:
    file = tmp_path / "day.csv"
    rows = ["id,reported_at,version", f"H1,2026-03-01T11:00:00Z,{version}", "H2,2026-03-01T11:00:00Z,999999"]
    file.write_text("\n".join(rows), "utf-8")
    report = await taken(intake, settings, file)
    assert (report.accepted, report.dead_lettered) == (1, 1)
    assert next(iter(report.reasons)).startswith("version")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"name\nWang\n", "lacks the column id, reported_at"),
        (b"id,reported_at,weight\n", "unknown column 'weight'"),
        (b"id,reported_at,id\n", "given twice"),
        (b"\xff\xff\xff", "neither UTF-8 nor GB 18030"),
        (b"", "lacks the column"),
        (b'id,"reported_at\nA1,2026-03-01T11:00:00Z\n', "a quote is not closed"),
        (gzip.compress(b"id,reported_at\n", mtime=0)[:-4], "the gzip is cut off"),
        (gzip.compress(b"id,reported_at\n", mtime=0)[:-4] + b"wrong", "the gzip is broken"),
        (gzip.compress(b"", mtime=0)[:10] + b"no deflated data", "the gzip is broken"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_as_a_whole(
    intake: Intake, settings: Settings, tmp_path: Path, content: bytes, why: str
) -> None:
    file = tmp_path / "day.csv"
    file.write_bytes(content)
    with pytest.raises(FileRefusedError, match=why):
        await taken(intake, settings, file)


MAPPED = """
source = "police"
[file]
format = "delimited"
encoding = "gb18030"
delimiter = "|"
skip_first = 1
footer = ["合计"]
[columns]
id = "编号"
reported_at = "受理"
state = "状态"
id_number = "证件"
phone = "电话"
[time]
format = "%Y%m%d%H%M"
[state]
"立案" = "fraud"
"撤案" = "withdrawn"
"治安" = "left_out"
"""
COLUMNS = "状态|编号|受理|证件|电话|嫌疑人证件"
OTHER_NUMBER = "990101198001010014"  # a suspect's, in a column that the mapping does not read


async def letters_of(settings: Settings, file: str) -> list[bytes]:
    found = [
        letter_adapter.validate_json(each.value or b"") async for each in read_all(settings, topics.DEAD_LETTERS.name)
    ]
    return [each.content for each in found if getattr(each.where, "file", "") == file]


async def test_a_forces_own_file_is_read_by_its_mapping(intake: Intake, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "force.txt"
    rows = [
        f"立案|M1|202603011100|{ID_NUMBER}|19900001234|{OTHER_NUMBER}",
        f"撤案|M2|202603011100|{ID_NUMBER}|19900001234|",
        f"治安|M3|202603011100|{ID_NUMBER}|19900001234|",
        "",
        f"立案|M4|202603011100|{ID_NUMBER}|none|{OTHER_NUMBER}",
        f"移送|M5|202603011100|E123|{OTHER_NUMBER}|",
        f"立案|M6|202603011100|{ID_NUMBER}",
        "合计|6",
    ]
    file.write_bytes("\r\n".join(["三月一日", COLUMNS, *rows]).encode("gb18030"))
    report = await taken(intake, settings, file, load(MAPPED))
    assert (report.rows, report.accepted, report.dead_lettered, report.skipped) == (5, 2, 3, 3)
    found = {each.id: each for each in await stored(settings)}
    assert found["M1"].id_hash == KEYS.hash_of_text(ID_NUMBER)
    assert found["M1"].reported_at == datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
    assert (found["M2"].version, found["M2"].phone, found["M2"].id_hash) == (2, None, None)
    letters = await letters_of(settings, file.name)
    assert len(letters) == 3
    assert not [each for each in letters if ID_NUMBER.encode() in each or OTHER_NUMBER.encode() in each]
    assert [each.split(b",")[1] for each in letters[:2]] == [b"202603011100", b"************"], letters


@pytest.mark.parametrize("ends", ["\r", "\r\n"])
def test_the_trial_of_a_file_whose_rows_are_lost_says_why(tmp_path: Path, ends: str) -> None:
    file = tmp_path / "force.txt"
    file.write_bytes(ends.join([COLUMNS, ""]).encode("gb18030"))
    with pytest.raises(FileRefusedError, match="no row was found"):
        try_frauds(file, load(MAPPED.replace("skip_first = 1", "skip_first = 0")), NOW, POLICE)
    file.write_bytes(f"{COLUMNS}|x\r立案|M1|202603011100|||\r".encode("gb18030"))
    with pytest.raises(FileRefusedError, match="the lines end in CR"):
        try_frauds(file, load(MAPPED.replace("skip_first = 1", "skip_first = 0")), NOW, POLICE)


async def test_a_forces_file_without_a_column_of_its_mapping_is_refused_as_a_whole(
    intake: Intake, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "force.txt"
    file.write_bytes(f"三月一日\n{COLUMNS.replace('电话', '手机')}\n立案|N1|202603011100|||\n".encode("gb18030"))
    with pytest.raises(FileRefusedError, match="the header, line 2: the header lacks the column 电话"):
        await taken(intake, settings, file, load(MAPPED))


async def test_a_workbook_is_read_by_its_mapping(intake: Intake, settings: Settings, tmp_path: Path) -> None:
    book = Workbook()
    for row in (["编号", "受理", "电话"], ["W1", datetime(2026, 3, 1, 11, 0), "19900001234"]):  # noqa: DTZ001
        book.active.append(row)
    book.save(file := tmp_path / "force.xlsx")
    mapping = load(
        'source = "police"\n[file]\nformat = "xlsx"\n[columns]\nid = "编号"\nreported_at = "受理"\nphone = "电话"\n'
        '[time]\nformat = "%Y-%m-%d %H:%M:%S"\n'
    )
    assert (await taken(intake, settings, file, mapping)).accepted == 1
    assert {"W1"} <= {each.id for each in await stored(settings)}
