"""A case's facts in the page's language.

The journal's words are English; each rule knows one of their forms and what it is in Chinese, which the catalogues have
in the other languages. What a person wrote stays as it was written, and so does a form that no rule knows.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial

from fastapi import Request

from console import labels
from console.web.case import reasons
from console.web.case.scripts import tree_of
from console.web.kit.i18n import language_of, place, translate
from console.web.kit.pages import date_time
from domain.desk.questions import HEARD, Tree
from domain.identity.divisions import name_of
from schemas.casework.events import FactKind
from schemas.levels import Action, Level, Outcome, Result

Translate = Callable[[str], str]

REFUSALS = frozenset({FactKind.REFUSED})
# Facts that change nothing a person decides by: a form that is being filled in need not be looked over for them.
ROUTINE = frozenset(
    {
        *(FactKind.DISPATCHED, FactKind.RESULT, FactKind.STEP_DONE, FactKind.STEP_FAILED, FactKind.WITHDRAWN),
        *(FactKind.SKIPPED, FactKind.PUT_OFF, FactKind.HELD, FactKind.RELEASED, FactKind.DROPPED, FactKind.REFUSED),
        *(FactKind.EVIDENCE, FactKind.STOP_REMINDER),
    }
)
# What the plan does by itself stands in the story, and is no news to who talks with the resident; evidence is.
UNTOLD = ROUTINE - {FactKind.EVIDENCE}


@dataclass(frozen=True, slots=True)
class Rule:
    """`form`: of the English words, with named groups; `words`: in Chinese, with the same names in %(…)s."""

    form: re.Pattern[str]
    words: str


def _rule(form: str, words: str) -> Rule:
    return Rule(re.compile(form, re.DOTALL), words)


RULES = (
    _rule(
        r"(?P<action>[a-z ]+), attempt (?P<n>\d+): (?P<result>[a-z ]+), late",
        "%(action)s第 %(n)s 次：%(result)s（迟到）",
    ),
    _rule(
        r"(?P<action>[a-z ]+), attempt (?P<n>\d+): (?P<result>[a-z ]+), late \((?P<how>.*)\)",
        "%(action)s第 %(n)s 次：%(result)s（迟到，%(how)s）",
    ),
    _rule(
        r"(?P<action>[a-z ]+), attempt (?P<n>\d+): (?P<result>[a-z ]+) \((?P<how>.*)\)",
        "%(action)s第 %(n)s 次：%(result)s（%(how)s）",
    ),
    _rule(r"(?P<action>[a-z ]+), attempt (?P<n>\d+): (?P<inner>.*)", "%(action)s第 %(n)s 次：%(inner)s"),
    _rule(r"(?P<level>red|orange|yellow|blue) to (?P<level2>\w+): (?P<inner>.*)", "%(level)s → %(level2)s：%(inner)s"),
    _rule(r"(?P<level>red|orange|yellow|blue): (?P<inner>.*)", "%(level)s：%(inner)s"),
    _rule(
        r"in danger again: (?P<inner>.*) \((?P<level>\w+), was (?P<level2>\w+)\)",
        "再次遇险：%(inner)s（%(level)s，原为%(level2)s）",
    ),
    _rule(r"in danger again: (?P<inner>.*)", "再次遇险：%(inner)s"),
    _rule(r"from before the case was settled: (?P<inner>.*)", "处置前的旧证据：%(inner)s"),
    _rule(r"(?P<outcome>[a-z ]+), says (?P<by>[^:]+): (?P<text>.*)", "%(by)s 登记：%(outcome)s。%(text)s"),
    _rule(r"(?P<outcome>[a-z ]+), says (?P<by>[^:]+)", "%(by)s 登记：%(outcome)s"),
    _rule(
        r"the case has changed since: version (?P<n>\d+), seen was (?P<m>\d+); look again",
        "您看到的内容已经更新，请核对后再操作",
    ),
    _rule(r"the case is closed", "预警已办结"),
    _rule(r"the case is settled: (?P<state>[a-z ]+)", "预警已处置：%(state)s"),
    _rule(r"the resident is defrauded already", "当事人已被骗：预警计划已结束，后续由回访跟进"),
    _rule(
        r"told of a talk before the danger that there is now: it settles nothing",
        "补报的是当前险情之前的谈话：不作为结论",
    ),
    _rule(r"visited before the danger that there is now", "上门早于当前险情"),
    _rule(r"the level is (?P<level>\w+): (?P<level2>\w+) is not lower", "当前为%(level)s，%(level2)s并不更低"),
    _rule(r"a call is put off by (?P<n>\d+) days at most", "致电最多推迟 %(n)s 天"),
    _rule(r"the resident asked to be called then, says (?P<by>.+)", "%(by)s：当事人要求届时致电"),
    _rule(r"call again at (?P<when>\d{4}-\d\d-\d\d \d\d:\d\d) UTC", "约定再次致电：%(when)s"),
    _rule(r"an officer is asked for: (?P<text>.*)", "申请派人上门：%(text)s"),
    _rule(r"(?P<by>\S+) asks for it", "%(by)s 要求"),
    _rule(r"a stop-payment is asked for", "申请止付"),
    _rule(r"the bank has been asked and has not answered yet", "已向银行申请，尚未答复"),
    _rule(r"the payment is not one of this case", "该笔支付不属于该预警"),
    _rule(r"(?P<bank>[a-z_]+): the payment is not one of this case", "银行反馈（%(bank)s）：该笔支付不属于该预警"),
    _rule(
        r"the account was stopped (?P<n>\d+) times already, which is the most allowed",
        "该账户已止付 %(n)s 次，达到上限",
    ),
    _rule(r"the payment can no longer be stopped", "该笔支付已无法止付"),
    _rule(r"there is no stop on this payment", "该笔支付没有止付"),
    _rule(r"the bank has been asked to lift it already", "已向银行申请解除"),
    _rule(
        r"two persons lift a stop: one asks, another approves",
        "解除止付须两人办理：一人申请，另一人审批",
    ),
    _rule(
        r"it waits for a second person: (?P<by>\S+) has asked for the release",
        "%(by)s 已申请解除，等另一人审批",
    ),
    _rule(
        r"the release of this stop has been asked for already: it waits for a second person",
        "这笔止付已有待审批的解除申请。",
    ),
    _rule(r"the request for the release was turned down: (?P<text>.*)", "解除申请未获批准：%(text)s"),
    _rule(r"the reason must have 2 to 300 signs", "理由须为 2 至 300 字。"),
    _rule(r"to be lifted: (?P<text>.*)", "申请解除：%(text)s"),
    _rule(r"the stop is to be lifted: (?P<text>.*)", "止付将解除：%(text)s"),
    _rule(r"there is no trusted contact (?P<n>\d+)", "没有这位可信联系人"),
    _rule(r"trusted contact (?P<n>\d+) is to be told", "将告知可信联系人（%(n)s）"),
    _rule(r"(?P<by>\S+) has the case", "%(by)s 正在处理此预警"),
    _rule(r"(?P<by>\S+) does not have the case", "%(by)s 并未接手此预警"),
    _rule(r"(?P<by>\S+) takes the case", "%(by)s 接手"),
    _rule(r"(?P<by>\S+) no longer has the case: (?P<text>.*)", "%(by)s 退出处置：%(text)s"),
    _rule(r"(?P<by>\S+) no longer has the case", "%(by)s 退出处置"),
    _rule(r"no report from (?P<by>\S+) in time", "%(by)s 未按时登记"),
    _rule(r"(?P<by>\S+) talks with the resident", "%(by)s 正在与当事人通话"),
    _rule(r"the conversation was broken off", "通话中断"),
    _rule(
        r"(?P<note>conversation|code confirmed|code_confirmed|three way call|three_way_call|interpreter|recording)",
        "%(note)s",
    ),
    _rule(r"(?P<note>interpreter): (?P<tongue>korean|chinese|sign)(?P<more>(; .*)?)", "%(note)s：%(tongue)s%(more)s"),
    _rule(
        r"(?P<note>conversation|code confirmed|three way call|interpreter|note|recording): (?P<text>.*)",
        "%(note)s：%(text)s",
    ),
    _rule(r"confirmed: (?P<text>.*)", "已核实：%(text)s"),
    _rule(r"(?P<by>\S+) has confirmed the danger", "%(by)s 核实险情"),
    _rule(r"the first contact is on its way", "首次联系已发出"),
    _rule(r"everything was tried, and nothing reached the resident", "各种方式均未联系上"),
    _rule(r"nothing reached the resident so far", "至今未联系上"),
    _rule(r"the plan has run out; the resident was warned", "计划已执行完，已提醒当事人"),
    _rule(r"not closed yet: something is still on its way", "仍有事项进行中，暂不办结"),
    _rule(r"nothing more to do", "已无待办事项"),
    _rule(r"the personal data were destroyed", "个人信息已销毁"),
    _rule(r"\[forgotten\]", "（已清除）"),
    _rule(r"the case still goes on: nobody is forgotten before it has ended", "预警未办结，不能清除个人信息"),
    _rule(r"the case is opened|the case was opened", "预警生成"),
    _rule(r"the case was reopened", "重新生成预警"),
    _rule(r"the level was raised", "已升级"),
    _rule(r"new evidence after the plan had run out", "计划执行完后出现新证据"),
    _rule(
        r"busy while the resident's own call runs on: the scammer may be on the line",
        "忙线且当事人仍在通话：可能正与骗子通话",
    ),
    _rule(r"busy (?P<n>\d+) times in a row: the scammer may be on the line", "连续 %(n)s 次忙线：可能正与骗子通话"),
    _rule(r"an officer goes instead of a further call", "改为上门，不再拨打"),
    _rule(r"no result in time", "未按时得到结果"),
    _rule(r"(?P<inner>.*); (?P<step>[a-z0-9._-]+) is tried again", "%(inner)s；将重试 %(step)s"),
    _rule(r"(?P<step>[a-z0-9._-]+) is brought forward: (?P<inner>.*)", "%(step)s 提前：%(inner)s"),
    _rule(r"(?P<step>[a-z0-9._-]+) waits for its gap to the step before it", "%(step)s 等待与上一步的间隔"),
    _rule(r"(?P<step>[a-z0-9._-]+) waits: (?P<by>\S+) has the case", "%(step)s 等待：%(by)s 正在处理"),
    _rule(r"(?P<step>[a-z0-9._-]+) waits for the morning: the night is kept free", "%(step)s 等到早晨：夜间不打扰"),
    _rule(r"overtaken by (?P<step>[a-z0-9._-]+), which is due too", "已被 %(step)s 取代"),
    _rule(r"held back by (?P<step>\S+): (?P<text>.*)", "因暂停外呼 %(step)s 暂缓：%(text)s"),
    _rule(r"dropped with (?P<step>\S+)", "随暂停外呼 %(step)s 取消"),
    _rule(r"(?P<step>\S+) is lifted", "暂停外呼 %(step)s 已解除"),
    _rule(r"the hold is over", "暂停外呼结束"),
    _rule(r"red goes past the contact budget", "红色预警不受联系次数限制"),
    _rule(r"not asked for at (?P<level>\w+)", "%(level)s级不需要"),
    _rule(r"acknowledged under an earlier plan: it settles nothing", "在先前计划下确认，不影响处置"),
    _rule(r"the resident pressed the key: understood, will not pay", "当事人按键确认：已明白，不会付款"),
    _rule(
        r"the bank is asked to stop the payee's account \((?P<n>\d+) of (?P<m>\d+)\)",
        "向银行申请止付收款账户（第 %(n)s 次，最多 %(m)s 次）",
    ),
    _rule(r"stopped until (?P<when>\d{4}-\d\d-\d\d \d\d:\d\d) UTC", "止付至 %(when)s"),
    _rule(
        r"the stop runs out at (?P<when>\d{4}-\d\d-\d\d \d\d:\d\d) UTC; it is asked again",
        "止付 %(when)s 到期，将申请止付延期",
    ),
    _rule(
        r"the stop runs out at (?P<when>\d{4}-\d\d-\d\d \d\d:\d\d) UTC; not asked again: (?P<inner>.*)",
        "止付 %(when)s 到期，不再续：%(inner)s",
    ),
    _rule(r"the stop runs out at (?P<when>\d{4}-\d\d-\d\d \d\d:\d\d) UTC", "止付 %(when)s 到期"),
    _rule(r"the resident is safe", "当事人已安全"),
    _rule(r"the stop has run out", "止付已到期"),
    _rule(r"the payment was cancelled in flight", "支付已在途中撤销"),
    _rule(r"the payment did not go through", "支付未成功"),
    _rule(r"the money came back: nothing is left to stop", "资金已返还，无须再止付"),
    _rule(r"no stop is in force any more", "已无生效的止付"),
    _rule(r"the bank: (?P<bank>[a-z_]+)", "银行：%(bank)s"),
    _rule(r"(?P<yuan>¥[\d,.]+) kept, evidence (?P<n>[ABCD])", "避免损失 %(yuan)s（%(n)s 类）"),
    _rule(r"(?P<yuan>¥[\d,.]+) no longer count as kept", "%(yuan)s 不再计入避免损失金额"),
    _rule(r"the bank froze (?P<yuan>¥[\d,.]+)", "银行冻结 %(yuan)s"),
    _rule(r"the resident was defrauded of (?P<yuan>¥[\d,.]+)", "当事人被骗 %(yuan)s"),
    _rule(
        r"nothing more is booked of (?P<text>\S+): unknown, lost or booked better",
        "未再登记：已有更好的记录或不属于该预警",
    ),
    _rule(r"already defrauded: (?P<inner>.*)", "已受骗：%(inner)s"),
    _rule(r"a victim's report", "当事人报案"),
    _rule(r"(?P<by>[^:;]+): assigned", "已派给 %(by)s"),
    _rule(r"(?P<by>[^:;]+): assigned; (?P<how>.*)", "已派给 %(by)s（%(how)s）"),
    _rule(r"(?P<by>[^:;]+): accepted(?P<more>(; .*)?)", "%(by)s 已接受%(more)s"),
    _rule(r"(?P<by>[^:;]+): refused: the next one is asked(?P<more>(; .*)?)", "%(by)s 不能前往，改派他人%(more)s"),
    _rule(r"(?P<by>[^:;]+): on the way(?P<more>(; .*)?)", "%(by)s 已出发%(more)s"),
    _rule(r"(?P<by>[^:;]+): arrived(?P<more>(; .*)?)", "%(by)s 已到达%(more)s"),
    _rule(r"(?P<by>[^:;]+): nobody at home(?P<more>(; .*)?)", "%(by)s：家中无人%(more)s"),
    _rule(r"(?P<by>[^:;]+): visit done(?P<more>(; .*)?)", "%(by)s：上门完成%(more)s"),
    _rule(r"[a-z_]+, says (?P<by>[^:]+): the case is closed", "%(by)s 的上门报告未采用：预警已办结"),
    _rule(r"(?P<by>\S+) goes there", "%(by)s 前往"),
    _rule(r"visited, and no outcome told", "已上门，未登记结果"),
    _rule(r"the visit is done", "上门完成"),
    _rule(r"the officer is late", "民警未按时到达"),
    _rule(r"a payment of the case can still be stopped", "该预警尚有可止付的支付"),
    _rule(r"acknowledged: no further robot call", "已确认，不再智能外呼"),
    _rule(r"are you still safe\?", "回访：是否仍然安全"),
    _rule(r"at a follow-up: (?P<inner>.*)", "回访中：%(inner)s"),
    _rule(r"not reached", "未联系上"),
    _rule(r"not reached by (?P<action>[a-z ]+)", "%(action)s未联系上"),
    _rule(r"not tried again: (?P<inner>.*)", "不再重试：%(inner)s"),
    _rule(r"the plan that runs now has its own", "现行计划另有安排"),
    _rule(r"the number is not the resident's", "号码不是当事人的"),
    _rule(r"overtaken by the (?P<level>\w+) plan: (?P<inner>.*)", "已被%(level)s级计划取代：%(inner)s"),
    _rule(r"put off: (?P<n>\d+) .* within (an hour|a day) are the most allowed", "推迟：已达联系次数上限（%(n)s 次）"),
    _rule(r"reached at last: (?P<inner>.*)", "终于联系上：%(inner)s"),
    _rule(r"(?P<outcome>dissuaded|false_alarm): (?P<inner>.*)", "%(outcome)s：%(inner)s"),
    _rule(r"(?P<state>dissuaded|false alarm|closed|already defrauded)", "%(state)s"),
    _rule(r"(?P<by>[^:;]+): handed over: the next one is asked(?P<more>(; .*)?)", "%(by)s 已移交，改派他人%(more)s"),
    _rule(r"(?P<result>[a-z ]+)", "%(result)s"),
    _rule(r"meant for the earlier case (?P<text>.*)", "属于先前的预警 %(text)s"),
)

_PLAIN: dict[str, Mapping[str, str]] = {
    "action": {action.value.replace("_", " "): words for action, words in labels.ACTIONS.items()},
    "result": {result.value.replace("_", " "): words for result, words in labels.RESULTS.items()},
    "level": {level.value: labels.LEVELS[level] for level in Level},
    "level2": {level.value: labels.LEVELS[level] for level in Level},
    "outcome": {
        name: labels.OUTCOMES[outcome]
        for outcome in Outcome
        for name in (outcome.value, outcome.value.replace("_", " "))
    },
    "state": {state.value.replace("_", " "): words for state, words in labels.STATES.items()},
    "note": {
        **labels.NOTES,
        **{what.replace("_", " "): words for what, words in labels.NOTES.items()},
    },
    "bank": {state.value: words for state, words in labels.BANK_STATES.items()},
    "tongue": {language.value: words for language, words in labels.INTERPRETERS.items()},
}
_STEPS = {
    "sms": labels.ACTIONS[Action.SMS],
    "call": labels.ACTIONS[Action.ROBOT_CALL],
    "operator": labels.ACTIONS[Action.OPERATOR_CALL],
    "visit": labels.ACTIONS[Action.VISIT],
    "stop": labels.ACTIONS[Action.STOP_PAYMENT],
    "contact": labels.ACTIONS[Action.CONTACT_CALL],
    "follow": labels.ACTIONS[Action.FOLLOW_UP],
}
_KNOWN: dict[str, Mapping[str, object]] = {
    "action": dict.fromkeys(action.value.replace("_", " ") for action in Action),
    "result": dict.fromkeys(result.value.replace("_", " ") for result in Result),
    "outcome": dict.fromkeys(name for outcome in Outcome for name in (outcome.value, outcome.value.replace("_", " "))),
}
_CHECKS = {name.replace("_", " "): words for name, words in labels.CHECKS.items()}
_ANSWERED = re.compile(r"script (?P<scam>[a-z0-9._-]+): (?P<answers>.*)", re.DOTALL)


def told(words: str, translate: Translate, tree: Callable[[str], Tree] | None = None, language: str = "zh") -> str:
    """A fact's words in the page's language. `tree`: of a scam type, for what was answered by a script."""
    if tree and (answered := _ANSWERED.fullmatch(words)):
        return _answers(answered["answers"], tree(answered["scam"]), translate, language)
    for rule in RULES:
        found = rule.form.fullmatch(words)
        if found and _means(found):
            parts = {name: _part(name, text, translate) for name, text in found.groupdict().items()}
            return translate(rule.words) % parts
    return reasons.several(words, translate)


def say(request: Request, words: str) -> str:
    """A fact's words in the request's language."""
    return told(words, partial(translate, request), tree_of, language_of(request))


def _means(found: re.Match[str]) -> bool:
    """Whether the groups hold what their names say: "a b, attempt 1" may be somebody's note."""
    return all(name not in _KNOWN or text in _KNOWN[name] for name, text in found.groupdict().items())


def _part(name: str, text: str, translate: Translate) -> str:
    if name == "step":
        return translate(_step(text))
    if name == "inner":
        return translate(_PLAIN["result"][text]) if text in _PLAIN["result"] else told(text, translate)
    if name == "how":
        return " · ".join(_detail(part, translate) for part in text.split(", "))
    if name == "more":
        return _more(text, translate)
    if name == "when":
        at = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        return date_time(at)
    known = _PLAIN.get(name, {}).get(text)
    return text if known is None else translate(known)


def _more(text: str, translate: Translate) -> str:
    """What a report of a visit says behind its stage: where, to whom, what was looked at; his own words as they are."""
    parts = text.split("; ")[1:]
    ours = []
    for form, words in _MORE:
        if parts and (found := form.fullmatch(parts[0])):
            ours.append(words(found[1], translate))
            parts = parts[1:]
    return "".join(f"; {part}" for part in (*ours, *parts))


def _place(code: str, translate: Translate) -> str:
    return place(name_of(code, date.max), translate)


def _colleague(officer: str, translate: Translate) -> str:
    return translate("转给 %(by)s") % {"by": officer}


def _checks(names: str, translate: Translate) -> str:
    known = [translate(_CHECKS[name]) for name in names.split(", ") if name in _CHECKS]
    return translate("已查：%(checks)s") % {"checks": " · ".join(known) or "–"}


def _detail(text: str, translate: Translate) -> str:
    if found := re.fullmatch(r"(\d+) open visits", text):
        return translate("手上 %(n)s 件") % {"n": found[1]}
    return translate(labels.DETAILS[text]) if text in labels.DETAILS else text


def _step(text: str) -> str:
    """What a step of the plan does (`red.operator`, `follow.2`); what is none, a hold's id, stays as it is."""
    of, _, rest = text.partition(".")
    name = of if of == "follow" else rest.partition(".")[0]
    return _STEPS.get(name, text) if of in (*Level, "asked", "follow") else text


def _answers(text: str, tree: Tree, translate: Translate, language: str) -> str:
    """`task=yes; heard.secret=yes` as the answers' own words."""
    parts = [part.partition("=") for part in text.split("; ")]
    said = [found for question, _, answer in parts if (found := _answer(question, answer, tree, language))]
    return translate("问答（%(script)s）：%(answers)s") % {
        "script": tree.title.of(language),
        "answers": "；".join(said) or translate("撤回上一项回答" if "=" in text else "开始"),
    }


def _answer(question: str, answer: str, tree: Tree, language: str) -> str | None:
    if question.startswith(HEARD):
        marker = tree.markers.get(question.removeprefix(HEARD))
        return marker.title.of(language) if marker else None
    asked = [*tree.questions.values(), *(marker.question for marker in tree.markers.values())]
    choices = (choice for each in asked if each.id == question for choice in each.answers if choice.id == answer)
    return next((choice.text.of(language) for choice in choices), None)


# The parts in the order in which domain/casework/visits puts them.
_MORE: tuple[tuple[re.Pattern[str], Callable[[str, Translate], str]], ...] = (
    (re.compile(r"at (\d{6,9})"), _place),
    (re.compile(r"to (\S+)"), _colleague),
    (re.compile(r"checked: ([a-z ]+(?:, [a-z ]+)*)"), _checks),
)
