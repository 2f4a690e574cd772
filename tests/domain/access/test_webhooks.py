"""What other programs are told, how it is signed, and when it is tried again."""

import hashlib
import hmac

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.access.webhooks import FIRST_WAIT, LONGEST_WAIT, next_try, payload, signature, wanted
from domain.identity.own_words import masked_words, webhook_words, without_words
from domain.wording.codes import in_language
from schemas.casework.events import CaseEvent, Fact, FactKind
from schemas.channels.webhooks import Webhook
from schemas.codes.any_code import NotTriedAgain
from schemas.codes.base import code_name
from schemas.codes.people import Noted
from schemas.codes.replies import RepliedStop, ReplySender
from schemas.codes.stop_orders import StopHandedOver
from schemas.levels import Level
from tests.domain import builders
from tests.domain.builders import NOON


@pytest.fixture
def event() -> CaseEvent:
    line = builders.Line()
    line.alert(Level.ORANGE, builders.payment())
    return builders.event(line.here)


def webhook(**fields: object) -> Webhook:
    known = {"id": "w" + "a" * 16, "url": "https://bank.example/hook", "secrets": ["x"]}
    return Webhook.model_validate(known | {"made_at": NOON, "made_by": "admin"} | fields)


def test_a_program_is_told_of_its_area_and_its_levels_only(event: CaseEvent) -> None:
    division, level = event.case.profile.division, event.case.level
    other = next(each for each in Level if each is not level)
    assert wanted(webhook(), event)
    assert wanted(webhook(area=division[:4], levels={level}), event)
    assert not wanted(webhook(area="9999"), event)
    assert not wanted(webhook(levels={other}), event)


def test_what_is_told_names_nobody(event: CaseEvent) -> None:
    told = orjson.dumps(payload(event, masked_words, in_language("zh").sentence)).decode()
    assert event.case.id in told
    assert all(payment.payee not in told for payment in event.case.payments)


def test_what_happened_is_told_as_codes_and_in_the_reader_s_language(event: CaseEvent) -> None:
    for language in ("zh", "en", "ko"):
        sentence = in_language(language).sentence
        told = orjson.loads(orjson.dumps(payload(event, masked_words, sentence)))["facts"]
        assert [each["what"]["code"] for each in told] == [code_name(fact.what) for fact in event.facts]
        assert [each["words"] for each in told] == [sentence(fact.what) for fact in event.facts]


def test_without_words_a_program_is_told_codes_and_nothing_that_a_person_wrote(event: CaseEvent) -> None:
    said = Fact(kind=FactKind.NOTE, what=NotTriedAgain(Noted("女儿电话 13900000001")))
    noted = event.model_copy(update={"facts": [said]})
    assert payload(noted, without_words)["facts"] == [
        {"kind": said.kind.value, "what": {"code": "not_tried_again", "why": {"code": "noted"}}}
    ]
    (told,) = payload(noted, masked_words, in_language("zh").sentence)["facts"]
    assert told["what"]["why"]["text"] == "女儿电话 *******0001"
    assert told["words"] == "不再重试：备注：女儿电话 *******0001"


def test_no_program_is_told_a_word_of_a_reply(event: CaseEvent) -> None:
    said = Fact(kind=FactKind.REPLY, what=RepliedStop(ReplySender.RESIDENT, "TD 13900000001"))
    (told,) = payload(event.model_copy(update={"facts": [said]}), webhook_words, in_language("en").sentence)["facts"]
    assert told["what"] == {"code": "replied_stop", "sender": "resident"}
    assert "TD" not in told["words"]


def test_a_freezing_decision_is_a_person_s_own_words(event: CaseEvent) -> None:
    what = StopHandedOver("operator li", "长春市公安局 13900000001", "吉公冻字〔2026〕17号")
    frozen = event.model_copy(update={"facts": [Fact(kind=FactKind.NOTE, what=what)]})
    (bare,) = payload(frozen, without_words)["facts"]
    assert (bare["what"]["authority"], bare["what"]["decision"]) == ("", "")
    (told,) = payload(frozen, masked_words, in_language("zh").sentence)["facts"]
    assert told["what"]["authority"] == "长春市公安局 *******0001"
    assert "*******0001" in told["words"]


def test_while_a_secret_is_replaced_both_sign(event: CaseEvent) -> None:
    body = orjson.dumps(payload(event, masked_words, in_language("zh").sentence))
    new, old = (part.removeprefix("v1=") for part in signature(["new", "old"], 17, body).split(","))
    assert new == hmac.new(b"new", b"17." + body, hashlib.sha256).hexdigest()
    assert old == hmac.new(b"old", b"17." + body, hashlib.sha256).hexdigest()


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_program_that_is_away_is_asked_later_and_later_but_never_later_than_five_minutes(
    failures: int, chance: float
) -> None:
    wait = next_try(failures, chance)
    assert FIRST_WAIT / 2 <= wait <= LONGEST_WAIT
    assert wait <= next_try(failures + 1, chance)


@pytest.mark.parametrize(
    "url",
    [
        "http://bank.example/",
        "ftp://bank.example",
        "https://user:word@bank.example/",
        "https://:p@y/",
        "https://@y/",
        "https://",
        "https://[",
        "x",
    ],
)
def test_nothing_is_told_in_the_clear_or_to_who_is_no_address(url: str) -> None:
    with pytest.raises(ValidationError):
        webhook(url=url)
