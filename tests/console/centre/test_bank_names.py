"""Banks are shown to people by their names: by the table of institutions; those of the simulated province, which
nobody has, on a demo's pages alone.
"""

import re
from types import SimpleNamespace
from typing import Any, cast

import pytest

from console.web.auth.who import Who
from console.web.kit.pages import TEMPLATES, environment
from console.web.kit.services import Services
from console.web.live.parts import rendered_part
from domain.payments.institutions import load
from schemas.casework.objections import ObjectionGround, Objector, StopObjection
from schemas.casework.third_parties import ThirdPartyKind
from schemas.channels.releases import ReleaseRequest
from schemas.codes.any_code import AnyCode
from schemas.codes.money import MoneyTracedHere, TracedUnderApproval
from schemas.codes.stop_orders import InstitutionChosen
from schemas.codes.third_parties import ThirdPartyConsent
from schemas.people.staff import StaffRole
from streams.channels.settings import INSTITUTIONS
from tests.domain.builders import NOON

CELLS = '{% import "release_parts.html" as desk with context %}{{ desk.cells("–", none, "bank-a", "–") }}'
CASE = f"r{'a' * 16}-1"
ICBC = "中国工商银行"


def services(*, demo: bool) -> Services:
    """What names banks: the shipped table of institutions, in a demo or not."""
    table = load(INSTITUTIONS.read_text("utf-8"))
    line = SimpleNamespace(outgoing=SimpleNamespace(institutions=table))
    return cast("Services", SimpleNamespace(line=line, guests=("guest",) if demo else ()))


def naming(*, demo: bool = False) -> Any:  # noqa: ANN401 - a bound method of a part of the services
    return lambda code: Services.bank_name(services(demo=demo), code)


@pytest.mark.parametrize(("demo", "shown", "other"), [(True, "示范银行甲", "bank-a"), (False, "bank-a", "示范银行甲")])
@pytest.mark.parametrize("text", ['{{ "bank-a" | bank }}', CELLS])
def test_only_a_demo_gives_an_invented_name_to_a_code_that_a_real_bank_may_have(
    text: str, demo: bool, shown: str, other: str
) -> None:
    found = environment("zh").from_string(text).render(bank_name=naming(demo=demo))
    assert shown in found
    assert other not in found


@pytest.mark.parametrize(("demo", "shown"), [(True, "示范银行乙"), (False, "bank-b")])
def test_a_part_that_a_live_page_gets_anew_names_the_bank_as_the_page_did(demo: bool, shown: str) -> None:
    waits = ReleaseRequest(
        id="request",
        case=CASE,
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
    values["bank_name"] = naming(demo=demo)
    assert f"<td>{shown}</td>" in rendered_part("zh", "release_requests_waiting.html", values)


def test_a_page_that_names_no_banks_shows_the_code() -> None:
    assert environment("en").from_string('{{ "bank-a" | bank }}').render() == "bank-a"


@pytest.mark.parametrize("language", ["zh", "en", "ko"])
@pytest.mark.parametrize(("code", "name"), [("icbc", ICBC), ("abc", "中国农业银行"), ("not-in-it", "not-in-it")])
def test_a_bank_of_the_table_is_shown_by_its_name_and_another_by_its_code(language: str, code: str, name: str) -> None:
    text = "{{ code | bank }}"
    assert environment(language).from_string(text).render(code=code, bank_name=naming()) == name


@pytest.mark.parametrize("language", ["zh", "en", "ko"])
def test_an_objection_that_a_bank_passed_on_names_the_bank(language: str) -> None:
    objection = StopObjection(
        id="o1",
        order="stop.0",
        transfer="abc:1",
        at=NOON,
        due=NOON,
        who=Objector.HOLDER,
        bank="icbc",
        ground=ObjectionGround.LAWFUL_PAYMENT,
    )
    line = SimpleNamespace(case=CASE, number=0, amount_fen=500_000, objection=objection)
    values = {"objections": [line], "more_objections": 0, "banks": {(CASE, "abc:1"): "abc"}, "now": NOON}
    html = rendered_part(
        language,
        "release_objections_waiting.html",
        values | {"names": {}, "numbered": str, "bank_name": naming()},
    )
    assert ICBC in html
    assert "中国农业银行" in html
    assert not re.search(r"\b(icbc|abc)\b(?!:)", re.sub(r"<[^>]*>", "", html))


@pytest.mark.parametrize("language", ["zh", "en", "ko"])
@pytest.mark.parametrize(
    "code",
    [
        MoneyTracedHere("icbc", 2),
        TracedUnderApproval("icbc", 2, "吉反诈止〔2026〕1号"),
        InstitutionChosen("icbc"),
        ThirdPartyConsent("op1", ThirdPartyKind.BANK, "icbc"),
    ],
)
def test_a_sentence_names_the_bank(language: str, code: AnyCode) -> None:
    said = environment(language).from_string("{{ code | sentence }}").render(code=code, bank_name=naming())
    assert ICBC in said
    assert "icbc" not in said


def test_a_third_party_who_is_no_bank_is_not_taken_for_one() -> None:
    code = ThirdPartyConsent("op1", ThirdPartyKind.CONTACT, "abc")
    said = environment("zh").from_string("{{ code | sentence }}").render(code=code, bank_name=naming())
    assert "abc" in said


def test_payments_that_persons_reported_are_not_shown_as_a_bank() -> None:
    """`reported` is what stands before the colon in their names, where a feed's name stands in others."""
    assert naming()("reported") == "登记的付款"


def test_no_page_shows_a_banks_code_without_looking_for_its_name() -> None:
    assert {path.name: found for path in TEMPLATES.glob("*.html") if (found := bare(path.read_text("utf-8")))} == {}


def bare(text: str) -> list[str]:
    """The expressions of a template that show a bank without the filter; addresses, which machines read, may."""
    shown = re.findall(r"\{\{(?:(?!\}\}).)*\}\}|\{% trans .*?%\}", text)
    addresses = re.findall(r'(?:href|action|value)="[^"]*"', text)
    return [
        each
        for each in shown
        if re.search(r"\bbank\b|\.(?:institution|movement|refused_by)\b", each)
        and not re.search(r"\| bank\b|desk\.(cells|key_facts|statement)\(|_\(|\{\{ bank \}\}", each)
        and not any(each in address for address in addresses)
    ]


def test_every_page_hands_the_money_columns_what_names_banks() -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.html")}
    users = {name for name, text in pages.items() if '"release_parts.html" as desk' in text}
    assert users
    assert {name for name in users if '"release_parts.html" as desk with context' not in pages[name]} == set()
