"""The policy's messages to residents, and the rules for their content.

A warning must be recognizable as genuine. Scammers send links and numbers to call back, so a warning has no link, and
no number but 96110. It names the last digits of the recipient's number and a code that 96110 can confirm.
"""

import re
import unicodedata
from string import Formatter
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from domain.policy.faults import LONGEST_GIVEN, FaultCode, refused
from domain.policy.units import Section
from schemas.base import Token
from schemas.levels import Action, Result
from schemas.people.residents import Language

HOTLINE = "96110"
DEFAULT = "default"
PLACEHOLDERS = frozenset({"tail", "code"})
SAMPLE = {"tail": "0000", "code": "000000"}  # of the same length as the real values
KEYS = {"1": Result.ACKNOWLEDGED, "2": Result.WANTS_OPERATOR, "9": Result.WRONG_NUMBER}
WEEK_REPLIES = {"1": Result.NOTHING_PAID, "2": Result.PAID_SINCE, "3": Result.CONTACTED_AGAIN}
"""The answers to the question a week later, by the figure of a reply to its text message."""
WEEK_KEYS = {**WEEK_REPLIES, "9": Result.WRONG_NUMBER}
AUTOMATED_CALLS = (Action.ROBOT_CALL, Action.FOLLOW_UP, Action.CONTACT_CALL, Action.SUPPORT_CALL, Action.WEEK_CALL)

ONE_SEGMENT, OF_SEVERAL = 70, 67  # characters of UCS-2, as used for Chinese and Korean (3GPP TS 23.038, 23.040)

_NUMERALS = str.maketrans("〇零一二三四五六七八九幺", "001234567891")
_RUN = re.compile(r"\d(?:[\s\-–—·.()]*\d){2,}")
_LINK = re.compile(r"://|www\.|https?|@|\w\.\w|[A-Za-z0-9]。[A-Za-z]", re.IGNORECASE)  # browsers read 。 as a dot


def keys_of(action: Action) -> dict[str, Result]:
    """Return what the keys mean that the message of an automated call with this action offers."""
    return WEEK_KEYS if action is Action.WEEK_CALL else KEYS


def segments(text: str) -> int:
    """Return the number of SMS segments (at least 1) that `text` takes in UCS-2: 70 characters in one, 67 in each of
    several. Characters beyond the basic plane count twice.
    """
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= ONE_SEGMENT else -(-units // OF_SEVERAL)


def template(text: str) -> str:
    """Return the template unchanged if it is valid; otherwise raise PydanticCustomError, a ValueError, with the first
    fault.

    A template must have the placeholders {tail} and {code} and the number 96110, and no other placeholder or number of
    three or more digits, no digit beside a placeholder, no link and no invisible character.
    """
    _placeholders(text)
    plain = unicodedata.normalize("NFKC", text)
    if not text.isprintable():
        raise refused(FaultCode.HIDDEN_CHARACTER)
    if _LINK.search(plain):
        raise refused(FaultCode.LINK)
    _numbers(plain)
    return text


def _placeholders(text: str) -> None:
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        raise refused(FaultCode.BRACES) from None
    names = [name for _, name, _, _ in parts if name is not None]
    if unknown := sorted(set(names) - PLACEHOLDERS):
        raise refused(FaultCode.UNKNOWN_PLACEHOLDER, name=unknown[0][:LONGEST_GIVEN])
    if any(spec or conversion for _, _, spec, conversion in parts):
        raise refused(FaultCode.PLACEHOLDER_FORMAT)
    if missing := sorted(PLACEHOLDERS - set(names)):
        raise refused(FaultCode.PLACEHOLDER_MISSING, name=missing[0])


def _numbers(plain: str) -> None:
    if re.search(r"\}\s*\d|\d\s*\{", plain.translate(_NUMERALS)):
        raise refused(FaultCode.DIGIT_BESIDE_PLACEHOLDER)
    counted = re.sub(r"\{\w+\}", "_", plain).translate(_NUMERALS)
    for run in _RUN.findall(counted):
        if run != HOTLINE:
            raise refused(FaultCode.OTHER_NUMBER, given=run[:LONGEST_GIVEN])
    if HOTLINE not in counted:
        raise refused(FaultCode.HOTLINE_MISSING)


Template = Annotated[str, AfterValidator(template)]
ByScam = dict[Token, Template]


class Wording(Section):
    """The templates of one action, by language and scam type; the key `default` is for other scam types.

    `en`: shown on the console, never sent.
    """

    zh: ByScam
    ko: ByScam
    en: ByScam = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for language in Language:
            if DEFAULT not in self.texts(language):
                raise refused(FaultCode.KEYS_MISSING, key=language.value, names=[DEFAULT])
        return self

    def texts(self, language: Language) -> ByScam:
        """Return the templates that are sent in `language`, by scam type: the Korean ones, or the Chinese for other
        languages.
        """
        return self.ko if language is Language.KOREAN else self.zh


class Segments(Section):
    """The most SMS segments (1 to 6) of an SMS (`sms`) and a flash SMS (`flash_sms`) to the resident, of the question a
    week later (`week_sms`), of a reminder (`reminder`), and of one to a trusted contact (`contact_sms`).

    A handset shows a flash SMS of several segments in pieces or not at all.
    """

    sms: Annotated[int, Field(ge=1, le=6)] = 3
    flash_sms: Annotated[int, Field(ge=1, le=6)] = 1
    week_sms: Annotated[int, Field(ge=1, le=6)] = 3
    reminder: Annotated[int, Field(ge=1, le=6)] = 3
    contact_sms: Annotated[int, Field(ge=1, le=6)] = 2


class Messages(Section):
    """The templates of messages by action. Those of support calls, which a resident gets after a loss, of the
    question a week later and of reminders may be left out if the policy plans none. Templates of calls must name each
    key that can be pressed, that of the question by text message each figure that answers it.
    """

    segments: Segments = Segments()
    sms: Wording
    flash_sms: Wording
    contact_sms: Wording
    robot_call: Wording
    follow_up: Wording
    contact_call: Wording
    support_call: Wording | None = None
    week_call: Wording | None = None
    week_sms: Wording | None = None
    reminder: Wording | None = None

    def wording(self, action: Action) -> Wording | None:
        """Return the templates of `action`, or None for an action without a text of its own, such as a visit.

        A support call, a question a week later or a reminder gets the templates of a follow-up call or a text message
        if this policy has none for it, because an earlier policy may have planned it.
        """
        found = getattr(self, action.value, None)
        if found is None and action in (Action.SUPPORT_CALL, Action.WEEK_CALL):
            return self.follow_up
        if found is None and action in (Action.WEEK_SMS, Action.REMINDER):
            return self.sms
        return found if isinstance(found, Wording) else None

    @model_validator(mode="after")
    def _short_enough(self) -> Self:
        for action in Segments.model_fields:
            wording: Wording | None = getattr(self, action)
            for where, text in _each(action, wording) if wording is not None else ():
                taken, most = segments(text.format(**SAMPLE)), getattr(self.segments, action)
                if taken > most:
                    raise refused(FaultCode.TOO_MANY_SEGMENTS, key=where, taken=taken, most=most, room=_room(most))
        return self

    @model_validator(mode="after")
    def _keys_named(self) -> Self:
        for action in (*AUTOMATED_CALLS, Action.WEEK_SMS):
            wording: Wording | None = getattr(self, action)
            keys = WEEK_REPLIES if action is Action.WEEK_SMS else keys_of(action)
            for where, text in _each(action, wording) if wording is not None else ():
                if missing := [key for key in keys if not re.search(rf"(?<!\d){key}(?!\d)", text)]:
                    raise refused(FaultCode.KEY_NOT_NAMED, key=where, name=missing[0], choices=list(keys))
        return self


def _each(action: str, wording: Wording) -> list[tuple[str, str]]:
    return [
        (f"{action}.{language.value}.{scam}", text)
        for language in Language
        for scam, text in wording.texts(language).items()
    ]


def _room(most: int) -> int:
    return ONE_SEGMENT if most == 1 else most * OF_SEVERAL
