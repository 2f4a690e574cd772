"""Texts that people wrote are told from ids and other texts by the names of the codes' parameters."""

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

from domain.identity.own_words import OWN_WORDS, told_elsewhere, without_words
from schemas.codes.any_code import AnyCode
from schemas.codes.base import Code
from schemas.codes.danger import CombinedEvidence
from schemas.codes.people import CaseReassigned

LOGINS = {"asked_by", "by", "holder", "to"}
IDS = {"arm", "bank", "case", "complaint", "experiment", "hold", "institution", "number", "other_case", "party"} | {
    *("province", "request", "script", "source", "step", "through", "transfer")
}
OF_QUANZU = {
    *("answers", "withdrawn"),  # the script's questions and answers, by their ids
    "place",  # a division
    "error",  # an exception's class
    *("law", "words"),  # the policy's
}


def texts_of(kind: Any) -> Iterator[str]:  # noqa: ANN401 - of any type
    """The names of a code's parameters that are texts, or have texts in them."""
    hints = get_type_hints(kind)
    return (name for name in kind.__struct_fields__ if str in {hints[name], *get_args(hints[name])})


def kinds(of: Any = AnyCode) -> Iterator[type[Code]]:  # noqa: ANN401 - a union of unions
    for each in get_args(getattr(of, "__value__", of)):
        yield from [each] if isinstance(each, type) and issubclass(each, Code) else kinds(each)


def test_every_text_of_a_code_is_a_persons_words_or_is_known_to_be_something_else() -> None:
    found = {name for kind in kinds() for name in texts_of(kind)}
    assert found - OWN_WORDS == LOGINS | IDS | OF_QUANZU, "if a person writes it, name it `text` or `note`"


def test_the_reason_of_a_reassignment_is_a_persons_words() -> None:
    told = CaseReassigned("chief", "han", "li", "请回拨 13900000001")
    assert without_words(told) == CaseReassigned("chief", "han", "li", "")


def test_numbers_in_another_provinces_reason_are_masked_and_it_is_short() -> None:
    told = told_elsewhere(CombinedEvidence(f"回拨 13900000001 {'x' * 100}"))
    assert told == CombinedEvidence(f"回拨 *******0001 {'x' * 45}")
