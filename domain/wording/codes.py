"""Renders codes as sentences. No other module does this; the texts are in the catalogues."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, cast

from domain.calendar import JILIN
from domain.desk.questions import HEARD, Tree
from domain.identity.divisions import name_of
from domain.identity.free_text import masked_text
from domain.identity.own_words import OWN_WORDS
from domain.wording import labels, money_labels, people_labels, search_labels
from domain.wording.catalogue import Translate, translate_to
from domain.wording.province_names import PROVINCES
from schemas.base import legible
from schemas.casework.objections import ObjectionGround, WrongfulCause
from schemas.casework.provinces import OfferRefusal, ProvinceGround
from schemas.casework.searches import SearchGround, StopGround
from schemas.casework.third_parties import EmergencyGround, ThirdPartyCallState, ThirdPartyKind
from schemas.codes.any_code import AnyCode
from schemas.codes.base import Code, by_name
from schemas.codes.people import ScriptAnswered
from schemas.codes.replies import ReplySender
from schemas.levels import (
    Action,
    CallResult,
    Channel,
    EvidenceClass,
    LastResort,
    Level,
    Outcome,
    OutcomeGround,
    Result,
    SupportOutcome,
    WeekAnswer,
)
from schemas.people.escalations import OfficerRung, RungResult
from schemas.people.residents import InterpreterLanguage, ReportSource
from schemas.risk.evidence import EvidenceKind

MINUTE, HOUR, DAY = 60, 3_600, 86_400

LABELS: Mapping[type[StrEnum], Mapping[Any, str]] = {
    Action: labels.ACTIONS,
    CallResult: labels.CALL_RESULTS,
    Channel: labels.CHANNELS,
    EvidenceKind: labels.PARTIES,
    InterpreterLanguage: people_labels.INTERPRETERS,
    LastResort: money_labels.LAST_RESORTS,
    Level: labels.LEVELS,
    ObjectionGround: money_labels.OBJECTION_GROUNDS,
    OfficerRung: labels.RUNGS,
    Outcome: labels.OUTCOMES,
    OfferRefusal: labels.OFFER_REFUSALS,
    OutcomeGround: labels.GROUNDS,
    ProvinceGround: labels.PROVINCE_GROUNDS,
    ReplySender: people_labels.REPLY_SENDERS,
    ReportSource: people_labels.SOURCES,
    Result: labels.RESULTS,
    RungResult: labels.RUNG_RESULTS,
    SearchGround: search_labels.SEARCH_GROUNDS,
    StopGround: search_labels.STOP_GROUNDS,
    SupportOutcome: labels.SUPPORT,
    WeekAnswer: people_labels.WEEK_ANSWERS,
    EmergencyGround: people_labels.EMERGENCY_GROUNDS,
    ThirdPartyCallState: people_labels.THIRD_PARTY_STATES,
    ThirdPartyKind: people_labels.THIRD_PARTIES,
    WrongfulCause: money_labels.CAUSES,
}
"""The label of a parameter that is an enum's member."""

PARTS = {
    "action": "%(action)s",
    "amount_fen": "，涉及 %(amount_fen)s",
    "answers": "：%(answers)s",
    "because": "（%(because)s）",
    "channel": "%(channel)s",
    "complaint": "（投诉 %(complaint)s）",
    "checked": "；已查：%(checked)s",
    "remark": "（%(remark)s）",
    "ground": "（依据：%(ground)s）",
    "interpreter": " · 需要翻译",
    "known": " · 曾上门",
    "language": "（%(language)s）",
    "note": "；%(note)s",
    "overtime": " · 须在下班后完成",
    "place": "；%(place)s",
    "request": "（申请 %(request)s）",
    "text": "：%(text)s",
    "times": "，共 %(times)s 次",
    "to": "；转给 %(to)s",
    "visits": " · 手上 %(visits)s 件",
    "why": "：%(why)s",
    "withdrawn": "；撤回 %(withdrawn)s 项回答",
}
"""What an optional parameter adds to its sentence."""

JOINER, LISTED = "；", " · "
SPANS = {DAY: "%(n)s 天", HOUR: "%(n)s 小时", MINUTE: "%(n)s 分钟", 1: "%(n)s 秒"}
TEXTS = (*PARTS.values(), JOINER, *SPANS.values())

STEPS = {
    "sms": labels.ACTIONS[Action.SMS],
    "call": labels.ACTIONS[Action.ROBOT_CALL],
    "operator": labels.ACTIONS[Action.OPERATOR_CALL],
    "visit": labels.ACTIONS[Action.VISIT],
    "stop": labels.ACTIONS[Action.STOP_PAYMENT],
    "contact": labels.ACTIONS[Action.CONTACT_CALL],
    "follow": labels.ACTIONS[Action.FOLLOW_UP],
    "support": labels.ACTIONS[Action.SUPPORT_CALL],
    "week_call": labels.ACTIONS[Action.WEEK_CALL],
    "week_sms": labels.ACTIONS[Action.WEEK_SMS],
    "reminder": labels.ACTIONS[Action.REMINDER],
    "ask": labels.ACTIONS[Action.STOP_STATUS],
    "own": labels.ACTIONS[Action.HOLD_OUTGOING],
    "lift": labels.ACTIONS[Action.LIFT_HOLD],
    "province": labels.ACTIONS[Action.HAND_OVER],
}
_STEP_OWNERS = {*Level, "asked", "follow", "support", "week", "remind", "ask", "own", "lift", "province"}

OPTIONAL: Mapping[type[Code], frozenset[str]] = {
    kind: frozenset(kind.__struct_fields__[len(kind.__struct_fields__) - len(kind.__struct_defaults__) :])
    for kind in by_name(AnyCode).values()
}
"""The optional parameters of each code."""

Trees = Callable[[str], Tree]
"""The tree of questions of a script."""


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders codes in a reader's language. Without `trees` (None), answers to a script are rendered by their ids.

    `whole`: True if telephone, card and ID numbers in a person's own words stay, for readers who handle the case; False
    if they are masked. `today`: moments of this day (in Jilin) are rendered as the time of day alone; None: all with
    their day. `bank_name`: returns the name of a bank or payment institution by its code, or the code without a name.
    """

    translate: Translate
    language: str
    trees: Trees | None = None
    whole: bool = False
    today: date | None = None
    bank_name: Callable[[str], str] = str

    def sentence(self, code: AnyCode) -> str:
        """Return the sentence of a code, with its parameters, in the renderer's language. Optional parameters without a
        value add nothing.

        Text that a person wrote is not translated; numbers in it are masked unless `whole` is True. Errors of `trees`
        pass through.
        """
        parts = {name: self._part(code, name) for name in code.__struct_fields__}
        return self.translate(code.zh) % parts

    def _part(self, code: AnyCode, name: str) -> str:
        value, optional = getattr(code, name), name in OPTIONAL[type(code)]
        if optional and value in (None, "", 0, False, (), {}):
            return ""
        shown = self._shown(code, name, value)
        return self.translate(PARTS[name]) % {name: shown} if optional else shown

    def _shown(self, code: AnyCode, name: str, value: Any) -> str:  # noqa: ANN401 - a parameter of any type
        if name in _SHOWN:
            return _SHOWN[name](self, code, value)
        if isinstance(value, tuple):
            return self.translate(JOINER).join(self.sentence(each) for each in value)
        if isinstance(value, Code):
            return self.sentence(cast("AnyCode", value))
        if type(value) in LABELS:
            return self.translate(LABELS[type(value)][value])
        if isinstance(value, float):
            return f"{value:g}"
        if isinstance(value, datetime):
            here = value.astimezone(JILIN)
            return f"{here:%H:%M}" if here.date() == self.today else f"{here:%m-%d %H:%M}"
        return self._text(name, str(value))

    def _text(self, name: str, value: str) -> str:
        text = legible(value)
        return masked_text(text) if name in OWN_WORDS and not self.whole else text

    def _answers(self, code: AnyCode, answers: Mapping[str, str]) -> str:
        said = (self._answer(code, question, answer) for question, answer in answers.items())
        return self.translate(JOINER).join(each for each in said if each)

    def _answer(self, code: AnyCode, question: str, answer: str) -> str:
        """Return the script's text of an answer; "" if the script no longer has it."""
        if self.trees is None or not isinstance(code, ScriptAnswered):
            return f"{question} = {answer}"
        tree = self.trees(code.script)
        if question.startswith(HEARD):
            marker = tree.markers.get(question.removeprefix(HEARD))
            return marker.title.of(self.language) if marker else ""
        asked = [*tree.questions.values(), *(marker.question for marker in tree.markers.values())]
        choices = (choice for each in asked if each.id == question for choice in each.answers if choice.id == answer)
        return next((choice.text.of(self.language) for choice in choices), "")

    def _script(self, code: AnyCode, script: str) -> str:
        return self.trees(script).title.of(self.language) if self.trees else self.translate(labels.scam(script))

    def _span(self, code: AnyCode, seconds: int) -> str:
        """Return a duration in its largest suitable unit."""
        unit = DAY if seconds >= 2 * DAY else next(unit for unit in (HOUR, MINUTE, 1) if seconds >= unit or unit == 1)
        return self.translate(SPANS[unit]) % {"n": seconds // unit}

    def _step(self, code: AnyCode, step: str) -> str:
        """Return the label of a plan's step (`red.operator`, `follow.2`), or its name if it is unknown."""
        of, _, rest = step.partition(".")
        name = of if of in ("follow", "support", "stop", "own", "lift", "province") else rest.partition(".")[0]
        label = STEPS.get(name) if of in _STEP_OWNERS else None
        return self.translate(label) if label else step

    def _place(self, code: AnyCode, place: str) -> str:
        return " ".join(map(self.translate, name_of(place, date.max).split()))

    def _checked(self, code: AnyCode, names: tuple[str, ...]) -> str:
        return LISTED.join(self.translate(labels.CHECKS[name]) for name in names if name in labels.CHECKS) or "–"

    def _distance(self, code: AnyCode, steps: int) -> str:
        return self.translate(labels.NEAR[steps])

    def _words(self, code: AnyCode, words: str) -> str:
        """Return a policy's text, translated if a catalogue has it."""
        return self.translate(words) if words else ""

    def _evidence(self, code: AnyCode, evidence: EvidenceClass) -> str:
        return evidence.value

    def _bank(self, code: AnyCode, bank: str) -> str:
        return self.translate(legible(self.bank_name(bank)))

    def _party(self, code: AnyCode, party: str) -> str:
        """Return whom a third party is: a bank by its name, anybody else as recorded."""
        return self._bank(code, party) if getattr(code, "kind", None) is ThirdPartyKind.BANK else legible(party)

    def _yuan(self, code: AnyCode, fen: int) -> str:
        return yuan(fen)

    def _province(self, code: AnyCode, province: str) -> str:
        return self.translate(PROVINCES.get(province, province))

    def _number(self, code: AnyCode, withdrawn: tuple[str, ...]) -> str:
        return str(len(withdrawn))


_SHOWN: Mapping[str, Callable[[Renderer, AnyCode, Any], str]] = {
    "amount_fen": Renderer._yuan,
    "answers": Renderer._answers,
    "bank": Renderer._bank,
    "checked": Renderer._checked,
    "distance": Renderer._distance,
    "evidence": Renderer._evidence,
    "institution": Renderer._bank,
    "party": Renderer._party,
    "place": Renderer._place,
    "province": Renderer._province,
    "script": Renderer._script,
    "seconds": Renderer._span,
    "step": Renderer._step,
    "withdrawn": Renderer._number,
    "words": Renderer._words,
}
"""How parameters are rendered that need more than their type's rule."""


@cache
def in_language(language: str, whole: bool = False) -> Renderer:
    """Return the renderer of a language ("zh", "en" or "ko") for use outside the console; the same object for equal
    arguments. Of answers to a call script it shows the ids, as in "question = answer", because the scripts are not
    loaded; times always have their date.

    `whole`: True keeps telephone, card and ID numbers in people's own words, False masks them. Raises KeyError for
    another language.
    """
    return Renderer(translate_to(language), language, whole=whole)


def yuan(fen: int) -> str:
    """Return a sum in fen as yuan, such as ¥1,234.56, with commas; whole yuan are shown without decimals, negative sums
    as ¥-1.
    """
    return f"¥{fen / 100:,.2f}".removesuffix(".00")
