"""The audit's table: repeated looks are one row, and a row that shows personal data in full stands alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

from console.web.routes.centre.audit import folded_rows, row_of_record
from schemas.administration.audit import AuditEntry
from streams.security.audit_log import AuditRecord

AT = datetime(2026, 3, 2, 1, 57, tzinfo=UTC)
CASE = "r" + "0" * 16 + "-1"


def record(offset: int, act: str, on: str = CASE, by: str = "op1", reason: str = "") -> dict[str, Any]:
    entry = AuditEntry(at=AT - timedelta(seconds=offset), by=by, act=act, on=on, reason=reason)
    return row_of_record(AuditRecord(100 - offset, entry), {"op1": "张三"})


def told(*rows: dict[str, Any]) -> list[tuple[str, int]]:
    return [(row["act"], 1 + len(row["same"])) for row in folded_rows(rows)]


def test_adjacent_looks_of_one_person_at_one_case_are_one_row_and_none_is_lost() -> None:
    looks = [record(number, "look-case") for number in range(6)]
    (row,) = folded_rows(looks)
    assert [row["offset"], *(each["offset"] for each in row["same"])] == [100, 99, 98, 97, 96, 95]


def test_a_reveal_is_never_folded() -> None:
    reveal = [record(number, "look-unmask", reason="回拨前核对身份") for number in (1, 2)]
    assert told(record(0, "look-case"), *reveal, record(3, "look-case"), record(4, "look-case")) == [
        ("look-case", 1),
        ("look-unmask", 1),
        ("look-unmask", 1),
        ("look-case", 2),
    ]
    assert [row["reveals"] for row in reveal] == [True, True]


def test_another_person_object_or_reason_begins_another_row() -> None:
    first = record(0, "look-case")
    others = record(1, "look-case", by="op2"), record(2, "look-case", on="r" + "1" * 16 + "-1")
    assert [times for _, times in told(first, *others)] == [1, 1, 1]
    assert [times for _, times in told(first, record(1, "look-case", reason="另一个理由"))] == [1, 1]
