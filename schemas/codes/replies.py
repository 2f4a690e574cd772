"""The facts about a reply to a text message. `text` is the sender's own words."""

from enum import StrEnum
from typing import ClassVar

from schemas.codes.base import Code

MOST_REPLIES = 20  # that a case notes: later ones change nothing, so that a flood does not hide what people did


class ReplySender(StrEnum):
    """Whose telephone replied: the one where the resident is reached, or a trusted contact's."""

    RESIDENT = "resident"
    CONTACT = "contact"


class Replied(Code, frozen=True):
    """A telephone replied to a text message of the case."""

    zh: ClassVar = "%(sender)s回复短信%(text)s"
    sender: ReplySender
    text: str = ""


class RepliedStop(Code, frozen=True):
    """A reply asked for no more messages while the resident is in danger. It ends publicity messages only: a scammer
    may have dictated it.
    """

    zh: ClassVar = "%(sender)s回复要求不再发送短信：只停发宣传短信，预警照常处置；可能是骗子授意%(text)s"
    sender: ReplySender
    text: str = ""


class RepliedStopLater(Code, frozen=True):
    """A reply asked for no more messages after the danger was over. It ends publicity messages only."""

    zh: ClassVar = "%(sender)s回复退订：只停发宣传短信%(text)s"
    sender: ReplySender
    text: str = ""


class RepliesUnread(Code, frozen=True):
    """The case has noted as many replies as it may (`most`), and notes no further ones."""

    zh: ClassVar = "回复短信已满 %(most)s 条，不再记录"
    most: int


ReplyCode = Replied | RepliedStop | RepliedStopLater | RepliesUnread
