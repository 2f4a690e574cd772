"""Links in one spelling, and the domains under which one may be listed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.links import LONGEST_LINK, link_forms, normal_link


@pytest.mark.parametrize(
    "raw",
    [
        "https://loan.example/apply",
        "www.www.loan.example/apply",
        "HTTP://WWW.Loan.Example:80/apply/",
        "loan.example/apply#top",
        " https://someone@loan.example./%61pply ",
        "ｌｏａｎ．ｅｘａｍｐｌｅ／ａｐｐｌｙ",
        "https://loan.example:80/apply",
        "http://loan。example。/apply",
    ],
)
def test_one_link_has_one_spelling(raw: str) -> None:
    assert normal_link(raw) == "loan.example/apply"


def test_a_port_and_a_query_are_part_of_a_link() -> None:
    assert normal_link("https://forms.example:8443/view?id=7") == "forms.example:8443/view?id=7"


@pytest.mark.parametrize(
    "raw", ["https://loan.example/?to=https://bank.example", "loan.example?to=https://bank.example"]
)
def test_a_link_that_contains_another_is_one_and_its_normal_form_too(raw: str) -> None:
    assert normal_link(raw) == "loan.example?to=https://bank.example"


def test_a_domain_in_chinese_is_that_of_the_wire() -> None:
    assert normal_link("http://贷款.example/") == normal_link("xn--0kwr83e.example") == "xn--0kwr83e.example"


@pytest.mark.parametrize(
    "raw",
    [
        *("", "   ", "no link at all", "weixin://dl/business", "javascript:alert(1)", "localhost", "http://", "//"),
        *(
            "http://a..example",
            "http://-.example",
            "http://[::1",
            "loan.example:99999",
            "a\\b.example",
            "a.ex\u202emple",
        ),
        f"loan.example/{'a' * LONGEST_LINK}",
        f"loan.example/{'贷' * 200}",
        f"http://{'贷.' * 300}example",
    ],
)
def test_what_is_no_link_of_the_web_is_refused_without_being_repeated(raw: str) -> None:
    with pytest.raises(ValueError, match="link") as refused:
        normal_link(raw)
    assert not raw.strip() or raw.strip() not in str(refused.value)


def test_a_link_may_be_listed_by_itself_without_its_query_by_its_host_and_by_a_domain_above() -> None:
    assert link_forms("pay.shop.example:81/a/b?c=1") == (
        "pay.shop.example:81/a/b?c=1",
        "pay.shop.example:81/a/b",
        "pay.shop.example",
        "shop.example",
    )


def test_an_address_in_numbers_has_no_domain_above() -> None:
    assert link_forms("203.0.113.7/a") == ("203.0.113.7/a", "203.0.113.7")


@given(
    st.sampled_from(("http://loan.example", "https://loan.example:80/", "loan.example?to=http://", "http://loan。")),
    st.text(max_size=60),
)
def test_any_text_is_a_link_or_none_and_a_normal_link_stays_one(head: str, raw: str) -> None:
    try:
        normal = normal_link(f"{head}{raw}")
    except ValueError:
        return
    assert normal_link(normal) == normal
    assert len(link_forms(normal)) <= 8


@given(st.integers(1, 120))
def test_a_host_of_many_labels_is_looked_up_a_few_times(labels: int) -> None:
    assert len(link_forms(normal_link("a." * labels + "example"))) <= 8
