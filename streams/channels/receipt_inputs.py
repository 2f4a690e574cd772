"""What a provider's receipt says of a case, as an input of it. The ids are deterministic: a receipt counts once."""

import json
from datetime import datetime, timedelta

from domain.dispatches.ids import DispatchId
from domain.ids import result_id
from domain.policy.messages import keys_of
from schemas.casework.inputs import BankFeedback, BankState, ContactResult, OfficerReport, OwnHoldAnswer, ResidentReply
from schemas.casework.own_account import OwnHoldAnswerState
from schemas.channels.receipts import (
    BankReceipt,
    CallState,
    OwnHoldReceipt,
    SmsReceipt,
    SmsReply,
    StationReceipt,
    VoiceReceipt,
)
from schemas.codes.channels import ProviderSaid
from schemas.codes.replies import ReplySender
from schemas.levels import Action, Result
from streams.channels.movements import Tokens

Receipt = SmsReceipt | SmsReply | VoiceReceipt | BankReceipt | OwnHoldReceipt | StationReceipt
Input = ContactResult | ResidentReply | BankFeedback | OwnHoldAnswer | OfficerReport


STOPPED = (BankState.IN_FORCE, BankState.FROZEN)
CLOCKS_DIFFER = timedelta(minutes=5)  # of a bank and this centre, at most
BOM = b"\xef\xbb\xbf"


class ReceiptBodyError(ValueError):
    """A receipt's body is no JSON that can be read in one way only, or a bank's stop or hold ends before its receipt,
    or its freeze after it.
    The text gives the fault and the correction.
    """


def each_key_once(body: bytes) -> bytes:
    """Return a receipt's body without its byte order mark, for its model to read. Whether it is JSON is left to that.

    Raises ReceiptBodyError if it is not UTF-8, or an object has a key twice: the model would silently read the last
    one.
    """
    text = body.removeprefix(BOM)
    try:
        json.loads(text.decode("utf-8"), object_pairs_hook=_object, parse_int=str)
    except UnicodeDecodeError as error:
        raise ReceiptBodyError(f"not UTF-8 at byte {error.start}: send UTF-8, not GB18030 or UTF-16") from None
    except (json.JSONDecodeError, RecursionError):
        return text
    return text


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ReceiptBodyError("a key is given twice: send each key of an object once")
    return read


def input_of(receipt: Receipt, dispatch: DispatchId, action: Action, now: datetime, tokens: Tokens) -> Input:
    """Return the case input that follows from a receipt, with `now` as its time: a contact's result, a reply, a bank's
    feedback, the answer to an order on the resident's own account, or an officer's report. `action`: the dispatch's;
    `tokens`: replaces the account numbers of movements by tokens, and collects the numbers.

    Raises UnreadableAccountError for a movement's invalid account, and ReceiptBodyError if a stop or hold that is in
    force ended before `now`, or if a freeze that has ended ends more than five minutes after it.
    Nothing is written.
    """
    match receipt:
        case BankReceipt():
            return _bank(receipt, dispatch, now, tokens)
        case OwnHoldReceipt():
            return _own_hold(receipt, dispatch, now)
        case StationReceipt():
            return _station(receipt, dispatch, now)
        case SmsReply():
            return _reply(receipt, dispatch, action, now)
        case _:
            return _contact(receipt, dispatch, action, now)


def _contact(receipt: SmsReceipt | VoiceReceipt, dispatch: DispatchId, action: Action, now: datetime) -> ContactResult:
    result = _result(receipt, action)
    return ContactResult(
        id=result_id(dispatch.text, result),
        at=now,
        resident=dispatch.resident,
        case=dispatch.case,
        dispatch=dispatch.text,
        step=dispatch.step,
        attempt=dispatch.attempt,
        action=action,
        result=result,
        why=ProviderSaid(receipt.detail) if receipt.detail else None,
    )


def _reply(receipt: SmsReply, dispatch: DispatchId, action: Action, now: datetime) -> ResidentReply:
    return ResidentReply(
        id=result_id(dispatch.text, "reply", receipt.id),
        at=now,
        resident=dispatch.resident,
        dispatch=dispatch.text,
        sender=ReplySender.CONTACT if action.to_contact else ReplySender.RESIDENT,
        text=receipt.text,
    )


def _bank(receipt: BankReceipt, dispatch: DispatchId, now: datetime, tokens: Tokens) -> BankFeedback:
    if receipt.state in STOPPED:
        _check_end(receipt.until, now, "stop")
    if receipt.state is BankState.UNFROZEN and receipt.until is not None and receipt.until > now + CLOCKS_DIFFER:
        raise ReceiptBodyError("until lies in the future: answer unfrozen once the freeze has ended, with its offset")
    return BankFeedback(
        id=result_id(dispatch.text, receipt.state, receipt.id),
        at=now,
        resident=dispatch.resident,
        case=dispatch.case,
        dispatch=dispatch.text,
        transfer=receipt.transfer,
        state=receipt.state,
        amount_fen=receipt.amount_fen,
        until=receipt.until,
        bank=receipt.bank,
        movements=tokens.movements(receipt.movements),
    )


def _own_hold(receipt: OwnHoldReceipt, dispatch: DispatchId, now: datetime) -> OwnHoldAnswer:
    if receipt.state is OwnHoldAnswerState.IN_FORCE:
        _check_end(receipt.until, now, "hold")
    return OwnHoldAnswer(
        id=result_id(dispatch.text, receipt.state, receipt.id),
        at=now,
        resident=dispatch.resident,
        case=dispatch.case,
        dispatch=dispatch.text,
        step=dispatch.step,
        state=receipt.state,
        until=receipt.until,
        bank=receipt.bank,
    )


def _check_end(until: datetime | None, now: datetime, of: str) -> None:
    """Raise ReceiptBodyError if a stop or hold (`of`) is in force and yet ended before `now`: probably an end without
    its offset. The case would ignore it.
    """
    if until is not None and until <= now:
        raise ReceiptBodyError(f"until lies in the past: write the end of the {of} with its offset")


def _station(receipt: StationReceipt, dispatch: DispatchId, now: datetime) -> OfficerReport:
    return OfficerReport(
        id=result_id(dispatch.text, receipt.stage, receipt.id),
        at=now,
        resident=dispatch.resident,
        case=dispatch.case,
        by=receipt.officer,
        dispatch=dispatch.text,
        step=dispatch.step,
        attempt=dispatch.attempt,
        stage=receipt.stage,
        place=receipt.place,
        checklist=receipt.checklist,
        outcome=receipt.outcome,
        note=receipt.detail,
    )


def _result(receipt: SmsReceipt | VoiceReceipt, action: Action) -> Result:
    """Return the result of a message or call. For an answered call it depends on the key pressed: without one that the
    message offers, hung up.
    """
    if receipt.result is CallState.ANSWERED:
        key = receipt.key if isinstance(receipt, VoiceReceipt) else None
        return keys_of(action).get(key or "", Result.HUNG_UP)
    return Result(receipt.result.value)
