"""What a warning says, and what no policy can make it say."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from domain.dispatches.messages import code, confirm, worded
from domain.policy import load
from domain.policy.faults import FaultCode
from domain.policy.messages import KEYS, PLACEHOLDERS, SAMPLE, Messages, segments, template
from schemas.levels import Action
from schemas.people.residents import Language
from tests.dispatched import case_of, dispatch_for

RAW: dict[str, Any] = tomllib.loads(Path("deploy/policy/jilin.toml").read_text(encoding="utf-8"))["messages"]
JILIN = Messages.model_validate(RAW)
GOOD = "尾号{tail}：请勿转账。核验码{code}，核实请拨打96110。"
SECRET = b"a secret of sixteen bytes"


@pytest.mark.parametrize(
    "added",
    [
        "请点击 https://a.example/x",
        "www.example",
        "jilin-police.cn",
        "打开police。cn",
        "ｐｏｌｉｃｅ．ｃｎ",
        "police@example",
        "请拨打110",
        "请拨打 138 0013 8000",
        "请拨打１３８００１３８０００",
        "请拨打一三八零零",
        "加QQ 12-34-56",
        "96110转961",
        "请勿\u200b转账",
    ],
)
def test_a_template_with_a_link_or_another_number_is_refused(added: str) -> None:
    with pytest.raises(ValueError, match=r"link|number|hidden_character"):
        template(GOOD + added)


@pytest.mark.parametrize(
    ("text", "code", "name"),
    [
        ("请勿转账，拨打96110，核验码{code}", FaultCode.PLACEHOLDER_MISSING, "tail"),
        ("尾号{tail}，拨打96110", FaultCode.PLACEHOLDER_MISSING, "code"),
        ("尾号{tail}，核验码{code}", FaultCode.HOTLINE_MISSING, None),
        (GOOD + "{name}", FaultCode.UNKNOWN_PLACEHOLDER, "name"),
        (GOOD.replace("{code}", "{code!r}"), FaultCode.PLACEHOLDER_FORMAT, None),
        (GOOD.replace("{code}，", "{code}1，"), FaultCode.DIGIT_BESIDE_PLACEHOLDER, None),
        (GOOD + "{", FaultCode.BRACES, None),
    ],
)
def test_a_template_that_lacks_what_makes_it_genuine_is_refused(text: str, code: FaultCode, name: str | None) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        template(text)
    assert refused.value.type == code
    assert (refused.value.context or {}).get("name") == name


@given(st.text(alphabet="0123456789", min_size=3, max_size=12).filter(lambda digits: digits != "96110"))
def test_no_number_but_96110_passes(digits: str) -> None:
    with pytest.raises(ValueError, match="number"):
        template(f"{GOOD}请拨打{digits}")


def only_fault(raw: dict[str, Any]) -> ErrorDetails:
    with pytest.raises(ValidationError) as refused:
        Messages.model_validate(raw)
    (fault,) = refused.value.errors()
    return fault


def test_a_message_of_too_many_segments_is_refused_with_its_place_and_room() -> None:
    raw = RAW | {"flash_sms": RAW["flash_sms"] | {"ko": {"default": GOOD + "멈추십시오" * 12}}}
    fault = only_fault(raw)
    assert (fault["type"], fault["ctx"]) == (
        FaultCode.TOO_MANY_SEGMENTS,
        {"key": "flash_sms.ko.default", "taken": 2, "most": 1, "room": 70},
    )


def test_a_call_that_does_not_name_a_key_is_refused() -> None:
    raw = RAW | {"robot_call": RAW["robot_call"] | {"zh": {"default": GOOD + "请按1或2"}}}
    fault = only_fault(raw)
    assert (fault["type"], fault["ctx"]) == (
        FaultCode.KEY_NOT_NAMED,
        {"key": "robot_call.zh.default", "name": "9", "choices": ["1", "2", "9"]},
    )


def test_a_language_without_a_default_is_refused() -> None:
    fault = only_fault(RAW | {"sms": {"zh": {"default": GOOD}, "ko": {}}})
    assert (fault["type"], fault["ctx"]) == (FaultCode.KEYS_MISSING, {"key": "ko", "names": ["default"]})


@pytest.mark.parametrize(("length", "taken"), [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3)])
def test_segments_are_counted_as_carriers_count_them(length: int, taken: int) -> None:
    assert segments("钱" * length) == taken


def test_every_text_of_jilins_is_for_a_scam_that_it_knows() -> None:
    """One under another name would never be sent: `default` goes out in its place."""
    known = {"default", *load(Path("deploy/policy/jilin.toml").read_text(encoding="utf-8")).risk.scams}
    texts = [RAW[action] for action in RAW if action != "segments"]
    assert {name for languages in texts for scams in languages.values() for name in scams} <= known


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("action", [Action.SMS, Action.FLASH_SMS, Action.ROBOT_CALL, Action.CONTACT_SMS])
def test_jilin_has_words_for_every_action_and_language(action: Action, language: Language) -> None:
    text = worded(JILIN, action, language, "a-type-of-its-own").format(**SAMPLE)
    assert "96110" in text
    assert all(SAMPLE[name] in text for name in PLACEHOLDERS)


def test_a_scam_type_has_its_own_words() -> None:
    assert "刷单" in worded(JILIN, Action.SMS, Language.CHINESE, "brushing")
    assert "刷单" not in worded(JILIN, Action.SMS, Language.CHINESE, "loan")


def test_a_visit_says_nothing_by_itself() -> None:
    with pytest.raises(ValueError, match="nothing by itself"):
        worded(JILIN, Action.VISIT, Language.CHINESE, "brushing")


def test_every_key_of_the_script_has_a_meaning() -> None:
    text = worded(JILIN, Action.ROBOT_CALL, Language.KOREAN, "brushing")
    assert all(f"{key}번" in text for key in KEYS)


def test_a_code_is_confirmed_for_each_attempt_of_its_case_and_no_other() -> None:
    sms = dispatch_for("r" + "a" * 16, attempt=2)
    case = case_of(sms)
    earlier = sms.id.replace(":2:", ":1:")
    assert confirm(SECRET, case, code(SECRET, sms.id)) == sms.id
    assert confirm(SECRET, case, f" {code(SECRET, earlier)[:3]} {code(SECRET, earlier)[3:]} ") == earlier
    assert confirm(SECRET, case_of(dispatch_for("r" + "b" * 16)), code(SECRET, sms.id)) is None
    assert confirm(SECRET, case, "") is None


@given(st.text())
def test_a_code_has_six_digits(dispatch: str) -> None:
    found = code(SECRET, dispatch)
    assert len(found) == 6
    assert found.isascii()
    assert found.isdigit()
