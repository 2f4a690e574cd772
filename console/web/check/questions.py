"""Questions to the public check: reads one, words the answer, and logs when questions came, never what they were."""

import asyncio
import base64
import logging

from pydantic import ValidationError

from domain.public_check.oprf import ElementError
from schemas.people.public_check import CheckAnswer, CheckedBucket, CheckQuestion
from streams.repositories.check_list import CheckList
from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

MINUTE = 60.0
_counts = {"answered": 0, "refused": 0, "overload": 0}  # since the last line in the log


class UnreadableQuestionError(ValueError):
    """The body is not a valid question, or one of its elements is not in the group."""


def read_question(body: bytes) -> CheckQuestion:
    """Return the question parsed from a request's body (JSON). Raises UnreadableQuestionError, which repeats nothing of
    the body, if it is invalid.
    """
    try:
        return CheckQuestion.model_validate_json(body)
    except ValidationError:
        raise UnreadableQuestionError from None


def answered_question(known: CheckList, question: CheckQuestion) -> CheckAnswer:
    """Return the answer to a question. Raises BitsChangedError if its buckets are not the list's,
    UnreadableQuestionError if an element is none of the group, and ValueError if a bucket does not exist or there are
    not as many buckets as elements.
    """
    try:
        found = known.answer(question.bits, question.buckets, [_bytes(each) for each in question.elements])
    except ElementError:
        raise UnreadableQuestionError from None
    return CheckAnswer(
        answers=[
            CheckedBucket(element=_text(element), nonce=_text(bucket.nonce), entries=_text(bucket.entries))
            for element, bucket in found
        ]
    )


def count_question(answered: bool) -> None:
    """Count one question that somebody sent to the public check: as answered (True) or refused (False).
    `telling_checks` logs both counts each minute and sets them to 0.
    """
    _counts["answered" if answered else "refused"] += 1


def count_overload() -> None:
    """Count for the log a question above the limit for everybody, which is refused too."""
    _counts["overload"] += 1


async def telling_checks() -> None:
    """Run until cancelled: log each minute how many questions were answered and refused in it, and warn of those above
    the limit for everybody. Nothing is logged for a minute without questions.
    """
    while wanted():
        await asyncio.sleep(MINUTE)
        if any(_counts.values()):
            log.info("public check, last minute: %d answered, %d refused", _counts["answered"], _counts["refused"])
        if _counts["overload"]:
            log.warning("public check, last minute: %d refused above the limit for everybody", _counts["overload"])
        _counts.update(answered=0, refused=0, overload=0)


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
