"""The names of the simulated province's institutions: on a demo's pages alone."""

from typing import Any

import pytest

from console.web.auth.who import Who
from console.web.kit.pages import TEMPLATES, environment
from console.web.live.parts import rendered_part
from schemas.channels.releases import ReleaseRequest
from schemas.people.staff import StaffRole
from tests.domain.builders import NOON

CELLS = '{% import "release_parts.html" as desk with context %}{{ desk.cells("–", none, "bank-a", "–") }}'


@pytest.mark.parametrize(("demo", "shown", "other"), [(True, "示范银行甲", "bank-a"), (False, "bank-a", "示范银行甲")])
@pytest.mark.parametrize("text", ['{{ "bank-a" | bank }}', CELLS])
def test_only_a_demo_gives_an_invented_name_to_a_code_that_a_real_bank_may_have(
    text: str, demo: bool, shown: str, other: str
) -> None:
    found = environment("zh").from_string(text).render(demo=demo)
    assert shown in found
    assert other not in found


@pytest.mark.parametrize(("demo", "shown"), [(True, "示范银行乙"), (False, "bank-b")])
def test_a_part_that_a_live_page_gets_anew_names_the_bank_as_the_page_did(demo: bool, shown: str) -> None:
    waits = ReleaseRequest(
        id="request",
        case=f"r{'a' * 16}-1",
        resident=f"r{'a' * 16}",
        payment=0,
        transfer="bank-b:1",
        amount_fen=100,
        division="220102",
        asked_by="op1",
        asked_at=NOON,
        due=NOON,
        reason="误止付",
    )
    values: dict[str, Any] = {"waiting": [waits], "banks": {(waits.case, waits.transfer): "bank-b"}, "now": NOON}
    values |= {"names": {}, "numbered": str, "who": Who("op2", "", StaffRole.RELEASE_DESK, "", None, None, "")}
    assert f"<td>{shown}</td>" in rendered_part("zh", "release_requests_waiting.html", values, demo=demo)


def test_a_page_that_says_nothing_of_a_demo_shows_the_code() -> None:
    assert environment("en").from_string('{{ "bank-a" | bank }}').render() == "bank-a"


def test_a_printed_order_shows_the_bank_as_the_bank_named_itself() -> None:
    printed = (TEMPLATES / "release_print.html").read_text(encoding="utf-8")
    assert "order.carried_out.bank }}" in printed
    assert "| bank" not in printed


def test_every_page_tells_the_money_columns_whether_it_is_a_demos() -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.html")}
    users = {name for name, text in pages.items() if '"release_parts.html" as desk' in text}
    assert users
    assert {name for name in users if '"release_parts.html" as desk with context' not in pages[name]} == set()
