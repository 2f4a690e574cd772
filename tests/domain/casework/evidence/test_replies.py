"""Replies to text messages: noted, marked for the desk, and without any effect on the case."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.casework.evidence.replies import ReplyWish, wish_of
from domain.identity.own_words import masked_words, without_words
from schemas.casework.acts import ClaimAct, CloseAct, NoteAct
from schemas.casework.cases import CaseState
from schemas.casework.events import FactKind
from schemas.casework.inputs import ResidentReply
from schemas.casework.orders import ApproveStopAct
from schemas.codes.replies import (
    MOST_REPLIES,
    Replied,
    RepliedStop,
    RepliedStopLater,
    RepliesUnread,
    ReplySender,
)
from schemas.levels import Level
from schemas.people.staff import StaffRole
from schemas.risk.signals import TransferState
from tests.domain.builders import RESIDENT, Line, at_the_desk, payment

MARKS = {"replies", "replied_at", "wants_no_messages", "version", "updated_at"}


def reply(line: Line, text: str, sender: ReplySender = ReplySender.RESIDENT) -> ResidentReply:
    name = f"{line.here.id}:sms:1:sms"
    count = len(line.decisions)
    return ResidentReply(
        id=f"{name}:reply:{count}", at=line.now, resident=RESIDENT, dispatch=name, sender=sender, text=text
    )


@pytest.mark.parametrize(
    "text",
    [
        "TD",
        "td。",
        "ＴＤ",
        " T ",
        "STOP",
        "Stop!",
        "退订",
        "回复退订",
        "请不要再发短信",
        "수신거부",
        "수신 거부",
        "그만",
    ],
)
def test_a_wish_for_no_more_messages_is_recognised(text: str) -> None:
    assert wish_of(text) is ReplyWish.NO_MORE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "好的",
        "Don't stop me",
        "TD-SCDMA",
        "我没有被骗，对方是客服，他让我退订会员才转账的，退订完就把钱还给我了",
        "송금했습니다",
    ],
)
def test_other_words_are_no_such_wish(text: str) -> None:
    assert wish_of(text) is ReplyWish.OTHER


@pytest.mark.parametrize("level", [Level.RED, Level.ORANGE])
@given(text=st.sampled_from(["TD", "STOP", "退订", "수신거부"]) | st.text(max_size=200))
def test_no_reply_stops_or_lowers_a_live_case(level: Level, text: str) -> None:
    line = Line()
    line.alert(level)
    before = line.here
    told = line.give(reply(line, text))
    assert told.dispatches == []
    assert line.here.model_dump(exclude=MARKS) == before.model_dump(exclude=MARKS)
    assert [fact.kind for fact in told.facts] == [FactKind.REPLY]


def test_an_order_to_stop_during_the_danger_is_a_sign_that_the_operator_sees() -> None:
    line = at_the_desk()
    told = line.give(reply(line, "TD"))
    assert [fact.what for fact in told.facts] == [RepliedStop(ReplySender.RESIDENT, "TD")]


def test_of_a_closed_case_a_reply_is_noted_and_opens_nothing() -> None:
    line = at_the_desk()
    line.act(CloseAct(reason="the resident is safe"))
    told = line.give(reply(line, "退订"))
    assert [fact.what for fact in told.facts] == [RepliedStopLater(ReplySender.RESIDENT, "退订")]
    assert line.here.state is CaseState.CLOSED


def test_a_contacts_reply_is_told_as_the_contacts() -> None:
    line = at_the_desk()
    told = line.give(reply(line, "他在家", ReplySender.CONTACT))
    assert [fact.what for fact in told.facts] == [Replied(ReplySender.CONTACT, "他在家")]


def test_the_case_is_marked_until_somebody_works_on_it() -> None:
    line = at_the_desk()
    line.give(reply(line, "好的"))
    assert line.here.replied_at == line.now
    line.act(ClaimAct(do="unclaim"), role=StaffRole.OPERATOR)
    assert line.here.replied_at is not None
    line.act(NoteAct(what="note", note="read"), role=StaffRole.OPERATOR)
    assert line.here.replied_at is None


def test_the_mark_outlasts_a_claim_from_the_queue_because_the_page_is_opened_after_it() -> None:
    line = at_the_desk()
    line.act(ClaimAct(do="unclaim"), role=StaffRole.OPERATOR)
    line.give(reply(line, "好的"))
    line.act(ClaimAct(do="claim"), role=StaffRole.OPERATOR)
    assert line.here.claimed_by is not None
    assert line.here.replied_at is not None


def test_an_act_of_somebody_who_has_not_seen_the_reply_leaves_the_mark() -> None:
    line = at_the_desk()
    before = line.here.version
    line.give(reply(line, "救命"))
    line.act(NoteAct(what="note", note="busy"), seen=before, role=StaffRole.OPERATOR)
    line.act(NoteAct(what="note", note="of a program"))
    assert line.here.replied_at is not None


def test_a_decision_on_an_order_leaves_the_mark() -> None:
    line = Line(approves=False)
    line.alert(Level.RED, payment(state=TransferState.SETTLED))
    line.pass_to(timedelta(minutes=2))
    line.give(reply(line, "救命"))
    order = line.here.orders[0].step
    told = line.act(ApproveStopAct(order=order), "sun", role=StaffRole.RELEASE_DESK)
    assert FactKind.REFUSED not in [fact.kind for fact in told.facts]
    assert line.here.replied_at is not None


def test_a_flood_of_replies_is_noted_up_to_a_limit() -> None:
    line = at_the_desk()
    for number in range(MOST_REPLIES):
        line.give(reply(line, f"{number}"))
    assert [fact.what for fact in line.give(reply(line, "one more")).facts] == [RepliesUnread(MOST_REPLIES)]
    version = line.here.version
    assert line.give(reply(line, "and one more")).facts == []
    assert line.here.version == version


def test_numbers_in_a_reply_are_masked_and_a_program_sees_no_word_of_it() -> None:
    made = Replied(ReplySender.RESIDENT, "打给 13900000001")
    assert masked_words(made) == Replied(ReplySender.RESIDENT, "打给 *******0001")
    assert without_words(made) == Replied(ReplySender.RESIDENT)
