"""Banks and payment institutions: found by name or card, never guessed."""

from datetime import date
from pathlib import Path

import pytest

from domain.payments.institutions import Institutions, InstitutionsError, load

TABLE = Path(__file__).parents[3] / "deploy/institutions/china.toml"
SMALL = """
until = 2027-06-30
[[institution]]
code = "one"
name = "第一银行"
bins = ["6290", "629012"]
[[institution]]
code = "two"
name = "第二银行"
also = ["二行"]
bins = ["62901"]
[[institution]]
code = "pay"
name = "某支付"
kind = "payment"
reached = "by telephone, as the desk agreed"
"""


@pytest.fixture(scope="module")
def deployed() -> Institutions:
    return load(TABLE.read_text("utf-8"))


def code_of(table: Institutions, text: str) -> str | None:
    found = table.named(text)
    return found.code if found else None


def test_an_institution_is_found_by_code_name_or_other_name_and_by_no_part_of_one() -> None:
    table = load(SMALL)
    assert [code_of(table, text) for text in ("one", "第一银行", "二行", " 某 支付 ", "ONE")] == [
        "one",
        "one",
        "two",
        "pay",
        "one",
    ]
    assert [code_of(table, text) for text in ("银行", "", "  ", "第三银行", "第二", "一")] == [None] * 6


def test_a_name_and_a_card_that_contradict_each_other_leave_the_choice_to_a_person() -> None:
    table, card = load(SMALL), "6290120000000000"
    assert table.of_payee("第二银行", card) is None
    for name, account in (("第一银行", card), ("", card), ("第三银行", card), ("第一银行", "12345678"), ("one", "")):
        found = table.of_payee(name, account)
        assert found is not None
        assert found.code == "one"
    assert table.of_payee("", "") is None


def test_a_card_is_its_institutions_by_the_longest_prefix() -> None:
    table = load(SMALL)
    found = [table.of_card(number) for number in ("6290 0000 0000 0000", "6290100000000000", "6290120000000000")]
    assert [each.code if each else None for each in found] == ["one", "two", "one"]


@pytest.mark.parametrize("account", ["9900000000000000", "6290120", "62901200000000000000000", "?", ""])
def test_an_account_that_no_prefix_fits_is_nobodys(account: str) -> None:
    assert load(SMALL).of_card(account) is None


def test_the_deployed_table_knows_its_banks_and_payment_institutions(deployed: Institutions) -> None:
    assert deployed.until > date(2026, 12, 31)
    assert [code_of(deployed, text) for text in ("工行", "中国银行", "微信支付", "支付宝", "吉林银行")] == [
        "icbc",
        "boc",
        "tenpay",
        "alipay",
        "jlbank",
    ]
    assert {each.kind for each in deployed.by_code.values()} == {"bank", "payment"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("until =", "not TOML"),
        ("until = 2027-06-30", "institution"),
        (SMALL.replace('code = "two"', 'code = "one"'), "one names two"),
        (SMALL.replace('"62901"', '"6290"'), "6290 names two"),
        (SMALL.replace('"二行"', '"O N E"'), "one names two"),
        (SMALL.replace('kind = "payment"', 'kind = "shop"'), "kind"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(InstitutionsError, match=why):
        load(text)
