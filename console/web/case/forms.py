"""Turns a form of the case page into an ActBody, or into an error in words."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from console.web.case.acts import ActBody
from console.web.kit.filled import Filled, FormError, fen
from console.web.kit.pages import ZONE
from domain.casework.grounds import ground_of
from domain.desk.questions import HEARD
from schemas.casework.acts import OutcomeAct
from schemas.casework.cases import Case
from schemas.channels.releases import MOST_REASON
from schemas.codes.refusals import GroundMissing, GroundNeedsNote

LINK = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?|[A-Za-z0-9][A-Za-z0-9._:-]{3,127}")
SURE = frozenset(
    {"outcome", "close", "lower", "ask_stop", "ask_stops", "release_stop", "propose_hold"}
)  # acts that need a confirmation

_Act = dict[str, Any]


def body_of(given: Filled) -> ActBody:
    """Return the form's act. Raises FormError if the act is unknown or a field is invalid."""
    read = _FORMS.get(given["do"])
    if read is None:
        raise FormError("do", "不认识的操作，请重新打开页面")
    made = {"form": given.form, "seen": given.seen, "anyway": given["anyway"] or None, "act": read(given)}
    try:
        return ActBody.model_validate(made)
    except ValidationError as error:
        raise _wrong(error) from None


def stops_of(given: Filled) -> list[ActBody]:
    """Return one act for each payment that the form asks to stop, in the form's order. Each act has its own id, and is
    sent, answered and undone separately. Raises FormError if no payment is chosen or a field is invalid.
    """
    chosen = dict.fromkeys(given.many.get("transfer", []))
    if not chosen:
        raise FormError("transfer", _WRONG["transfer"])
    return [
        body_of(Filled({**given.fields, "do": "ask_stop", "transfer": transfer}, given.many, given.name(transfer)))
        for transfer in chosen
    ]


def within(body: ActBody, case: Case) -> None:
    """Check an outcome against its case; other acts are not checked.

    Raises FormError if the ground or its note is missing, or if the loss avoided is more than the payment. (The ledger
    would not count more than the payment.)
    """
    if not isinstance(body.act, OutcomeAct):
        return
    ground = ground_of(case, body.act)
    if isinstance(ground, GroundMissing):
        raise FormError("ground", _WRONG["ground"])
    if isinstance(ground, GroundNeedsNote):
        raise FormError("note", "其他依据须在说明中写明，至少四个字")
    paid = {payment.transfer: payment.amount_fen for payment in case.payments}
    for claim in body.act.kept:
        if claim.amount_fen > paid.get(claim.transfer, claim.amount_fen):
            raise FormError(f"amount:{claim.transfer}", "避免损失的金额不能大于这笔付款")


def link(text: str) -> str:
    """Return the link to a recording: an https address or the recorder's id. Raises FormError if the
    text is neither.
    """
    if len(text) > 500 or not LINK.fullmatch(text):
        raise FormError("link", "请填写 https:// 开头的地址，或录音系统的编号")
    return text


def _outcome(given: Filled) -> _Act:
    kept = [
        {
            "transfer": transfer,
            "evidence": given[f"evidence:{transfer}"] or "C",
            "amount_fen": _money(given, f"amount:{transfer}"),
        }
        for transfer in given.many.get("kept", [])
    ]
    lost = _money(given, "lost") if given["lost"] else 0
    return {
        "do": "outcome",
        "outcome": given["outcome"],
        "ground": given["ground"] or None,
        "recall": given["recall"] == "yes",
        "kept": kept,
        "lost_fen": lost,
        "note": given["note"],
    }


def _money(given: Filled, field: str) -> int:
    try:
        amount = fen(given[field])
    except ValueError:
        amount = None
    if amount is None:
        raise FormError(field, "金额请写成数字，例如 3000 或 3000.50")
    return amount


def _call_again(given: Filled) -> _Act:
    try:
        when = datetime.fromisoformat(given["when"])
    except ValueError:
        raise FormError("when", "时间请写成 YYYY-MM-DD HH:MM，如 2026-03-02 09:30") from None
    return {"do": "call_again", "when": when.replace(tzinfo=ZONE) if when.tzinfo is None else when}


def _three_way(given: Filled) -> _Act:
    note = "，".join(part for part in (given["with"], given["note"]) if part)
    return {"do": "note", "what": "three_way_call", "note": note}


def _propose_hold(given: Filled) -> _Act:
    """Return the proposal of a hold on the resident's own account, by its index."""
    duress = given["duress"] == "yes"
    return {"do": "propose_hold", "account": given["account"], "duress": duress, "reason": given["reason"]}


def _answers(given: Filled) -> _Act:
    """Return an answers act from the form: one answer, one marker that was heard, or in `back` the questions whose
    answers are withdrawn.
    """
    answers = {given["question"]: given["answer"]} if given["question"] else {}
    if given["heard"]:
        answers = {f"{HEARD}{given['heard']}": "yes"}
    withdrawn = given.many.get("back", [])
    return {"do": "answers", "script": given["script"], "answers": answers, "withdrawn": withdrawn}


def _release_stop(given: Filled) -> _Act:
    if not 2 <= len(given["reason"].strip()) <= MOST_REASON:
        raise FormError("reason", "理由须为 2 至 300 字。")
    return {"do": "release_stop", "transfer": given["transfer"], "reason": given["reason"]}


def _plain(do: str, *fields: str) -> Callable[[Filled], _Act]:
    """Return a function that parses a form whose fields `fields` are the act's fields."""
    return lambda given: {"do": do, **{field: given[field] for field in fields}}


_FORMS: Mapping[str, Callable[[Filled], _Act]] = {
    "outcome": _outcome,
    "lower": _plain("lower", "level", "reason"),
    "call_again": _call_again,
    "send_officer": _plain("send_officer", "reason"),
    "ask_stop": _plain("ask_stop", "transfer"),
    "release_stop": _release_stop,
    "tell_contact": _plain("tell_contact", "contact"),
    "note": _plain("note", "what", "note"),
    "three_way": _three_way,
    "propose_hold": _propose_hold,
    "delay_outgoing": _plain("delay_outgoing"),
    "end_delay": _plain("end_delay"),
    "recording": lambda given: {"do": "note", "what": "recording", "note": link(given["link"])},
    "confirm": _plain("confirm", "reason"),
    "close": _plain("close", "reason"),
    "support": _plain("support", "outcome", "note"),
    "week_answer": _plain("week_answer", "answer", "note"),
    "answers": _answers,
}

_WRONG = {
    "reason": "请写明原因，至少两个字",
    "level": "请选择更低的等级",
    "outcome": "请选择结果",
    "answer": "请选择结果",
    "ground": "没有通话也没有见面：登记“已劝阻”须选择依据",
    "anyway": "请写明仍要执行的理由，至少两个字",
    "when": "时间请写成 YYYY-MM-DD HH:MM，如 2026-03-02 09:30",
    "transfer": "请选择一笔支付",
    "contact": "请选择一位联系人",
    "account": "请选择当事人的账户",
    "note": "文字太长，最多 2000 字",
    "seen": "页面已经过期，请重新打开",
}


def _wrong(error: ValidationError) -> FormError:
    """Return a FormError for the first known invalid field."""
    locs = [item["loc"] for item in error.errors(include_url=False)]
    places = [str(part) for loc in locs for part in (loc[2:] if loc[:1] == ("act",) else loc)]  # without "act", kind
    field = next((place for place in places if place in _WRONG), "do")
    return FormError(field, _WRONG.get(field, "请检查填写的内容"))
