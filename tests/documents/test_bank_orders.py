"""The worked example of docs/how-to/bank-orders.md: a bank's developer can check our orders with its ten lines."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.casework.inputs import BankState
from schemas.channels.receipts import BankReceipt
from schemas.levels import Action
from streams.channels.signing import SignedMessage, Signer, verify

PAGE = (Path(__file__).parents[2] / "docs/how-to/bank-orders.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
KEY = b"an example key, never used"
Check = Callable[[bytes, str, str, dict[str, str], bytes], bool]


@pytest.fixture
def is_the_centres() -> Check:
    names: dict[str, Any] = {}
    exec(BLOCKS["python"], names)  # noqa: S102 - it is the page's own example
    return names["is_the_centres"]  # type: ignore[no-any-return]  # executed


def _table(heading: str, column: str) -> list[str]:
    """The names in the first column of a table of the page, under the section's heading and the column's."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (table,) = re.findall(rf"^\| `?{column}`? \| .*\n\|---\|.*\n((?:\|.*\n)+)", section, re.MULTILINE)
    return [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])]


def order_fields() -> list[str]:
    """The page's fields of an order, in order."""
    return _table("What an order says", "field")


def test_the_page_s_answer_is_read_and_its_tables_have_all_fields_and_states() -> None:
    answer = BankReceipt.model_validate_json(BLOCKS["json"])
    order = json.loads(BLOCKS[""].rstrip("\n").partition("\n\n")[2])
    assert (answer.dispatch, answer.transfer, answer.bank) == tuple(
        order[name] for name in ("dispatch", "transfer", "institution")
    )
    assert set(_table("Answer an order", "field")) == set(BankReceipt.model_fields)
    assert _table("Answer an order", "state") == [state.value for state in BankState]
    assert [*order, "about"] == order_fields()
    asked = {Action.STOP_PAYMENT, Action.STOP_AGAIN, Action.STOP_RELEASE, Action.STOP_STATUS}
    assert set(_table("What an order says", "action")) == {action.value for action in asked}


def test_the_page_s_check_has_at_most_ten_lines() -> None:
    assert len([line for line in BLOCKS["python"].splitlines() if line.strip()]) <= 10


def test_the_page_s_order_fits_its_key_and_changed_it_does_not(
    is_the_centres: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, _, body = BLOCKS[""].rstrip("\n").partition("\n\n")
    first, *rest = head.splitlines()
    method, path = first.split()
    headers = {name.lower(): value for name, value in (line.split(": ") for line in rest)}
    monkeypatch.setattr(time, "time", lambda: 1772334720)
    given = (method, path, headers, body.encode())
    assert is_the_centres(KEY, *given)
    assert verify([KEY], _spelt(headers), SignedMessage("bank", path, body.encode()), 1772334720).key == 0
    assert not is_the_centres(b"another", *given)
    assert not is_the_centres(KEY, method, path, headers, body.replace("4980000", "4980001").encode())
    monkeypatch.setattr(time, "time", lambda: 1772334720 + 301)
    assert not is_the_centres(KEY, *given)


def test_the_page_s_check_takes_what_quanzu_signs_with_either_key(is_the_centres: Check) -> None:
    signer = Signer("bank", {"bank/icbc": (b"the new key", b"the former key")}, time.time)
    headers = {
        name.lower(): value for name, value in signer.headers("bank/icbc", "GET", "/stop-payments/d", b"").items()
    }
    for key, fits in ((b"the new key", True), (b"the former key", True), (b"another bank's", False)):
        assert is_the_centres(key, "GET", "/stop-payments/d", headers, b"") is fits


def _spelt(headers: dict[str, str]) -> dict[str, str]:
    return {"-".join(part.capitalize() for part in name.split("-")): value for name, value in headers.items()}
