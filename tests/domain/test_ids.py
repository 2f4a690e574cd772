"""Ids of inputs are a contract: whoever makes one a second time makes the same. Each is written in one place."""

import re
from pathlib import Path

from domain.ids import deadline_id, is_deadline_of, result_id
from schemas.levels import Result

ROOT = Path(__file__).parents[2]
PRODUCT = ("schemas", "domain", "streams", "agents", "simulators", "console")
DISPATCH = "raaaaaaaaaaaaaaaa-1:red.sms:1:sms"
ELSEWHERE = re.compile(r'f"d:\{|f"\{(?:dispatch|name)\.(?:id|text)\}:\{')


def test_a_result_has_the_dispatch_and_the_state_in_its_id_and_the_receipt_where_there_is_one() -> None:
    assert result_id(DISPATCH, Result.DELIVERED) == f"{DISPATCH}:delivered"
    assert result_id(DISPATCH, "frozen", "7") == f"{DISPATCH}:frozen:7"


def test_a_deadline_is_known_by_its_case_and_step() -> None:
    name = deadline_id("raaaaaaaaaaaaaaaa-1", "red.sms", 1_767_225_600_000)
    assert name == "d:raaaaaaaaaaaaaaaa-1:red.sms:1767225600000"
    assert is_deadline_of(name, "raaaaaaaaaaaaaaaa-1", "red.sms")
    assert not is_deadline_of(name, "raaaaaaaaaaaaaaaa-1", "red")


def test_ids_of_results_and_deadlines_are_written_in_one_module() -> None:
    found = [
        file for part in PRODUCT for file in (ROOT / part).rglob("*.py") if ELSEWHERE.search(file.read_text("utf-8"))
    ]
    assert [str(file.relative_to(ROOT)) for file in found] == ["domain/ids.py"]
