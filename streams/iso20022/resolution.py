"""Parses a bank's answers to a stop order: camt.029, its status, pacs.002, and the return of the money, pacs.004."""

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from domain.ids import short_hash
from domain.payments.iso_codes import bank_state, dispatch_of, fen_of, named_id, order_state
from schemas.casework.inputs import BankState
from streams.iso20022.document import (
    MessageError,
    child,
    message_of,
    needed,
    parsed,
    path,
    text_at,
    understood,
    validate,
)

RETURNS = ("pacs.004.001.10",)
STATUSES = ("pacs.002.001.11",)
KINDS = ("camt.029.001.10", "camt.029.001.14", *STATUSES, *RETURNS)


@dataclass(frozen=True, slots=True)
class Resolution:
    """A bank's answer. `dispatch`: the id of the stop order's dispatch; `end_to_end`: the payment's end-to-end id, ""
    if the bank does not name it; `code`: the status and the reason's code as the bank wrote them.
    """

    dispatch: str
    end_to_end: str
    state: BankState
    amount_fen: int
    code: str

    @property
    def id(self) -> str:
        """An id made of the answer's content, so that an answer sent again under a new message id has the same id. It
        does not name the dispatch.

        It contains a hash of the code, not the code, because a bank may write anything as a reason, and ids are logged.
        """
        return f"iso20022 {self.state} {short_hash(self.code)} {self.amount_fen}"


def resolution(body: bytes) -> Resolution:
    """Return the answer of a camt.029, pacs.002 or pacs.004 (XML) about one stop order.

    `amount_fen`: the money held or coming back (RsltnRltdInf of camt.029, 0 if not stated), or returned (pacs.004); 0
    for pacs.002. Raises MessageError with the place if the message cannot be parsed, violates its schema, answers
    several requests, or decides nothing.
    """
    root = parsed(body)
    kind, given = message_of(root, KINDS)
    validate(root, kind)
    if kind in RETURNS:
        return _returned(given)
    if kind in STATUSES:
        return _status(given)
    one = _only(given, "CxlDtls/TxInfAndSts")
    case = text_at(one, "RslvdCase/Id") or text_at(given, "RslvdCase/Id")
    if case is None:
        raise MessageError(f"{path(one)}/RslvdCase/Id: missing; write the Case/Id of our request")
    status = text_at(one, "TxCxlSts") or needed(given, "Sts/Conf")
    reason = text_at(one, "CxlStsRsnInf/Rsn/Prtry") or text_at(one, "CxlStsRsnInf/Rsn/Cd") or ""
    state = understood(given, "Sts", lambda: bank_state(status, reason))
    end_to_end = named_id(text_at(one, "OrgnlEndToEndId") or "")
    amount = _amount(one, "RsltnRltdInf/IntrBkSttlmAmt")
    return Resolution(dispatch_of(case), end_to_end, state, amount, " ".join(filter(None, (status, reason))))


def _returned(given: etree._Element) -> Resolution:
    """Return the answer of a pacs.004. It has no field for a case, so the reason's additional information names the
    case.
    """
    one = _only(given, "TxInf")
    case = needed(one, "RtrRsnInf/AddtlInf")
    end_to_end, code = named_id(text_at(one, "OrgnlEndToEndId") or ""), text_at(one, "RtrRsnInf/Rsn/Cd") or ""
    amount = _amount(one, "RtrdIntrBkSttlmAmt")
    return Resolution(dispatch_of(case), end_to_end, BankState.RETURNED, amount, code)


def _status(given: etree._Element) -> Resolution:
    """Return the answer of a pacs.002 to a status request. It names our order as the original message."""
    one = _only(given, "TxInfAndSts")
    original = "OrgnlGrpInf/OrgnlMsgNmId"
    if not needed(one, original).startswith("camt.056"):
        raise MessageError(f"{path(one)}/{original}: not a stop order; write the name of our camt.056")
    case, status = needed(one, "OrgnlGrpInf/OrgnlMsgId"), needed(one, "TxSts")
    reason = text_at(one, "StsRsnInf/Rsn/Prtry") or text_at(one, "StsRsnInf/Rsn/Cd") or ""
    state = understood(one, "TxSts", lambda: order_state(status))
    end_to_end = named_id(text_at(one, "OrgnlEndToEndId") or "")
    return Resolution(dispatch_of(case), end_to_end, state, 0, " ".join(filter(None, (status, reason))))


def _only(given: etree._Element, where: str) -> etree._Element:
    found: Sequence[etree._Element] = given.findall("/".join(f"{{*}}{name}" for name in where.split("/")))
    if len(found) != 1:
        raise MessageError(f"{path(given)}/{where}: {len(found)} answers; send one in each message")
    return found[0]


def _amount(one: etree._Element, where: str) -> int:
    found = child(one, where)
    if found is None:
        return 0
    return understood(one, where, lambda: fen_of(found.text or "", found.get("Ccy") or ""))
