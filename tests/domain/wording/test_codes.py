"""Every code has its sentence in each language, with exactly its parameters; what it renders is what was meant."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
from babel.messages.pofile import read_po

from domain.identity.personal import PERSONAL, parted
from domain.wording import codes, labels
from domain.wording.catalogue import CHINESE, LOCALE, read_catalogue, translate_to
from domain.wording.codes import LABELS, OPTIONAL, PARTS, Renderer, in_language
from schemas.casework.events import Fact, FactKind
from schemas.codes.any_code import AnyCode, BroughtForward, Dispatched, LateResult, ResultNoted, TriedAgain
from schemas.codes.base import Code, by_name, code_name
from schemas.codes.channels import ChosenOfficer, NobodyOnDuty, ProviderAnswered
from schemas.codes.danger import DangerSeen, OngoingCall, PaymentMade, ScamSms, SuspiciousCall
from schemas.codes.money import LossAvoided, StopExtended
from schemas.codes.people import AskedBy, InterpreterNeeded, LevelLowered, OutcomeTold, ScriptAnswered
from schemas.codes.plan import BudgetSpent, HeldBack, NotReached
from schemas.codes.refusals import CaseClosed
from schemas.codes.visits import NobodyAtHome, VisitAssigned, VisitHandedOver, VisitMade
from schemas.levels import Action, Channel, EvidenceClass, Level, Outcome, Result
from schemas.people.residents import InterpreterLanguage
from schemas.risk.evidence import EvidenceKind

CODES = by_name(AnyCode)
OTHERS = ("en", "ko")
OURS = (*(kind.zh for kind in CODES.values()), *codes.TEXTS)
FREE_TEXT = {"text", "note", "recording", "words"}
WRITTEN = "女儿在"
AT = datetime(2026, 3, 4, 3, 20, tzinfo=UTC)  # 11:20 in Jilin


def places(text: str) -> set[str]:
    """The parameters that a sentence names."""
    return set(re.findall(r"%\((\w+)\)s", text))


def test_a_code_s_sentence_has_exactly_its_parameters() -> None:
    said = {name: places(kind.zh) for name, kind in CODES.items()}
    assert said == {name: set(kind.__struct_fields__) for name, kind in CODES.items()}


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_there_in_each_language_with_the_same_parameters(language: str) -> None:
    known = read_catalogue(language, [LOCALE], {})
    told = {text: known.gettext(text) for text in OURS}
    missing = [text for text in told if text not in _entries(language)]
    assert missing == []
    assert [text for text, other in told.items() if places(text) != places(other)] == []


def test_an_optional_parameter_has_its_part_of_the_sentence() -> None:
    assert OPTIONAL.keys() == set(CODES.values())
    assert frozenset[str]().union(*OPTIONAL.values()) <= PARTS.keys()


def test_a_parameter_that_is_an_enum_has_a_label_for_each_member() -> None:
    kinds = {each for kind in CODES.values() for each in _enums(kind)}
    assert {kind: set(LABELS[kind]) for kind in kinds} == {kind: set(kind.__members__.values()) for kind in kinds}


@pytest.mark.parametrize("language", [CHINESE, *OTHERS])
def test_every_code_is_rendered_without_a_word_of_another_language(language: str) -> None:
    for kind in CODES.values():
        sentence = in_language(language).sentence(example(kind))
        assert sentence
        assert "%(" not in sentence
        left = sentence.replace(WRITTEN, "")
        assert language == CHINESE or not re.search("[一-鿿]", left), sentence


def test_every_code_is_read_as_it_was_written() -> None:
    for name, kind in CODES.items():
        fact = Fact(kind=FactKind.NOTE, what=example(kind))
        assert Fact.model_validate_json(fact.model_dump_json()) == fact
        assert fact.model_dump(mode="json")["what"]["code"] == name


def test_what_a_person_wrote_is_a_parameter_that_erasure_clears() -> None:
    """And the rest of the code stays what it is."""
    assert PERSONAL.keys() >= FREE_TEXT
    for name, kind in CODES.items():
        record = msgspec.to_builtins(example(kind))
        parted(record)
        left = msgspec.convert(record, kind)
        assert WRITTEN not in msgspec.json.encode(left).decode()
        assert code_name(left) == name


def test_a_code_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="not one of the codes"):
        Fact.model_validate({"kind": "note", "what": {"code": "no_such_code"}})
    with pytest.raises(ValueError, match="by"):
        Fact.model_validate({"kind": "note", "what": {"code": "asked_by"}})


SAID = {
    ResultNoted(Action.FLASH_SMS, 1, Result.DELIVERED): "闪信提醒第 1 次：已送达",
    LateResult(Action.ROBOT_CALL, 2, Result.BUSY): "智能外呼第 2 次：忙线（迟到）",
    ResultNoted(Action.VISIT, 1, Result.FAILED, NobodyOnDuty()): "上门劝阻第 1 次：失败（当班无人可去）",
    ResultNoted(
        Action.SMS, 1, Result.FAILED, ProviderAnswered(422, "full")
    ): "短信提醒第 1 次：失败（服务商答复 422：full）",
    VisitAssigned("w-1", ChosenOfficer(1, visits=2)): "已派给 w-1（同一区县 · 手上 2 件）",
    VisitAssigned("w-1"): "已派给 w-1",
    LevelLowered(Level.RED, Level.YELLOW, "已核实"): "红 → 黄：已核实",
    OutcomeTold(Outcome.DISSUADED, "li", "女儿在"): "li 登记：已劝阻；女儿在",
    OutcomeTold(Outcome.FALSE_ALARM, "li"): "li 登记：误报",
    StopExtended(datetime(2026, 3, 4, 3, 20, tzinfo=UTC)): "止付 03-04 11:20 到期，将申请止付延期",
    TriedAgain("orange.operator", NotReached()): "未联系上；将重试 人工外呼",
    NotReached(Action.OPERATOR_CALL): "人工外呼未联系上",
    HeldBack("h1", "演练"): "因暂停外呼 h1 暂缓：演练",
    VisitMade("w-1", checked=("chats", "scam_apps"), note=WRITTEN): "w-1：上门完成；已查：聊天记录 · 涉诈 App；女儿在",
    VisitHandedOver("w-1", to="w-2", note="下班"): "w-1 已移交，改派他人；转给 w-2；下班",
    NobodyAtHome("w-1", place="220104"): "w-1：家中无人；朝阳区",
    InterpreterNeeded(InterpreterLanguage.KOREAN, "母亲只会朝鲜语"): "需要翻译（朝鲜语）：母亲只会朝鲜语",
    InterpreterNeeded(InterpreterLanguage.SIGN): "需要翻译（手语）",
    BudgetSpent(1, 3, Channel.PHONE): "推迟：1 小时内电话联系已达上限（3 次）",
    BudgetSpent(24, 8): "推迟：24 小时内联系已达上限（8 次）",
    LossAvoided(3_200_000, EvidenceClass.A): "避免损失 ¥32,000（A 类）",
    BroughtForward("follow.2", AskedBy("li")): "回访 提前：li 要求",
    Dispatched(Action.SMS, 1, DangerSeen((ScamSms(AT), SuspiciousCall(EvidenceKind.CALL_GOIP, 2_400, AT, 3)))): (
        "短信提醒第 1 次：收到疑似诈骗短信（03-04 11:20）；与疑似 GOIP 设备号码通话 40 分钟（03-04 11:20，共 3 次）"
    ),
    OngoingCall(EvidenceKind.CALL_OVERSEAS, AT, 2): "正在与境外号码通话，03-04 11:20 起，共 2 次",
}


@pytest.mark.parametrize(("code", "chinese"), SAID.items(), ids=str)
def test_a_code_is_told_in_chinese_and_what_a_person_wrote_as_it_was_written(code: AnyCode, chinese: str) -> None:
    assert in_language(CHINESE).sentence(code) == chinese


def test_a_moment_of_the_same_day_is_told_without_its_day() -> None:
    paid = PaymentMade(EvidenceKind.SUSPECT_PAYEE, 90_000, AT)
    on = [replace(in_language(CHINESE), today=day).sentence(paid) for day in (date(2026, 3, 4), date(2026, 3, 5))]
    assert on == ["已向涉诈账户转账 ¥900（11:20）", "已向涉诈账户转账 ¥900（03-04 11:20）"]


def test_answers_are_told_by_their_ids_where_there_are_no_scripts() -> None:
    told = ScriptAnswered("police", {"opening": "yes"}, ("heard.secret",))
    assert Renderer(translate_to(CHINESE), CHINESE).sentence(told) == (
        "问答（冒充公检法）：opening = yes；撤回 1 项回答"
    )


def _entries(language: str) -> set[str]:
    files = [file.open("rb") for file in (LOCALE / language).glob("*.po")]
    return {str(message.id) for file in files for message in read_po(file)}


def _enums(kind: type[Code]) -> Iterator[type[Any]]:
    hints = get_type_hints(kind)
    for name in kind.__struct_fields__:
        for each in (hints[name], *get_args(hints[name])):
            if isinstance(each, type) and hasattr(each, "__members__") and each is not EvidenceClass:
                yield each


def example(kind: type[Code]) -> Any:  # noqa: ANN401 - each code has its own type
    """A code with all its parameters."""
    hints = get_type_hints(kind)
    return kind(**{name: _value(name, hints[name]) for name in kind.__struct_fields__})


KNOWN: Mapping[str, Any] = {
    **dict.fromkeys(FREE_TEXT, WRITTEN),
    "step": "red.operator",
    "place": "220104",
    "distance": 4,
    "checked": ("chats",),
    "script": "police",
    "answers": {"opening": WRITTEN},
    "withdrawn": ("opening",),
    "reasons": (ScamSms(at=AT, times=2),),
}


def _value(name: str, hint: Any) -> Any:  # noqa: ANN401 - any type of a parameter
    if name in KNOWN:
        return KNOWN[name]
    kinds = [each for each in (get_args(hint) or (hint,)) if each is not type(None)]
    if any(isinstance(each, type) and issubclass(each, Code) for each in kinds):
        return NobodyOnDuty() if NobodyOnDuty in kinds else CaseClosed()
    kind = get_origin(kinds[0]) or kinds[0]
    if hasattr(kind, "__members__"):
        return next(iter(kind))
    return {bool: True, int: 3, float: 2.5, str: "some-id", datetime: AT}[kind]


def test_a_label_is_there_for_each_kind_of_check() -> None:
    assert set(labels.CHECKS) >= {"chats", "scam_apps"}
