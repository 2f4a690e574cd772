"""Replies to text messages: noted in the case's history.

A scammer on the line dictates what the resident writes. So a reply never ends, delays or lowers anything of a case, in
any state; one that asks for no more messages is a sign of danger while the case goes on. Quanzu sends no publicity
messages: whoever sends them reads the wish in the journal. Two things follow a reply: who wants no more messages is not
asked a week after they were dissuaded, and who is asked may answer by a reply (domain/casework/week/answers).
"""

import unicodedata
from enum import StrEnum

from domain.casework.draft import DecisionBuilder
from domain.casework.week.answers import take_reply
from domain.casework.week.question import withdraw_question
from schemas.casework.acts import AssignAct, ClaimAct
from schemas.casework.events import FactKind
from schemas.casework.inputs import OperatorReport, ResidentReply
from schemas.codes.replies import (
    MOST_REPLIES,
    Replied,
    RepliedStop,
    RepliedStopLater,
    RepliesUnread,
    ReplySender,
)

_WHOLE = frozenset(
    {"t", "td", "n", "r", "qx", "stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "取消", "停止"}
    | {"拒收", "别发了", "不要发了", "거부", "중단", "중지", "그만"}
)
"""Replies that are an order to stop by themselves: carriers in China ask for TD or T, abroad for STOP."""
_WITHIN = ("退订", "取消订阅", "拒收短信", "停止发送", "不要再发", "别再发", "수신거부", "unsubscribe")
"""Words that are an order to stop within a short reply."""
_SHORT = 20  # letters: a longer reply says something else too


class ReplyWish(StrEnum):
    """What a reply asks for: NO_MORE: no more messages, as STOP, TD, 退订 and 수신거부 do; OTHER: anything else."""

    NO_MORE = "no_more"
    OTHER = "other"


def wish_of(text: str) -> ReplyWish:
    """Return NO_MORE if a reply asks for no more messages, such as STOP or 退订, else OTHER. Width, case, blanks and
    punctuation are ignored; within other words, such a word counts only in a short reply.
    """
    plain = "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())
    asks = plain in _WHOLE or (len(plain) <= _SHORT and any(word in plain for word in _WITHIN))
    return ReplyWish.NO_MORE if asks else ReplyWish.OTHER


def resident_reply(draft: DecisionBuilder, given: ResidentReply) -> None:
    """Record a reply to a text message as a fact, and mark the case until an operator takes note of it. If it answers
    the question a week after the resident was dissuaded, the answer is applied too.

    After 20 replies (MOST_REPLIES), the next one is only recorded as RepliesUnread, without its text and without a new
    mark; further ones have no effect.
    """
    noted = draft.case.replies
    if noted > MOST_REPLIES:
        return
    draft.set(replies=noted + 1)
    if noted == MOST_REPLIES:
        draft.note(FactKind.REPLY, RepliesUnread(MOST_REPLIES))
        return
    draft.set(replied_at=draft.now)
    if wish_of(given.text) is ReplyWish.OTHER:
        draft.note(FactKind.REPLY, Replied(given.sender, given.text))
        take_reply(draft, given)
        return
    later = draft.case.settled
    draft.note(FactKind.REPLY, (RepliedStopLater if later else RepliedStop)(given.sender, given.text))
    if given.sender is ReplySender.RESIDENT:
        draft.set(wants_no_messages=True)
        withdraw_question(draft)


def take_note_of_reply(draft: DecisionBuilder, given: OperatorReport) -> None:
    """Remove the case's marks of an unread reply and of a wrong number after a person's act, if that person's page
    showed them. No fact is recorded.

    No effect if the act was refused, is to claim, give back or assign a case, is not a person's (it has no role), or
    was done on a page that is older than the case. Whoever claims a case from the queue has not opened its page yet.
    """
    act, refused = given.act, not draft.facts or draft.facts[-1].kind is FactKind.REFUSED
    works = not isinstance(act, AssignAct | ClaimAct)
    saw = given.role is not None and given.seen >= draft.case.version
    marked = draft.case.replied_at is not None or draft.case.wrong_number_at is not None
    if marked and works and saw and not refused:
        draft.set(replied_at=None, wrong_number_at=None)
