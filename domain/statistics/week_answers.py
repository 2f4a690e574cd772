"""What dissuaded residents answer a week later, by another channel: have they paid since?"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from domain.statistics.shares import ShareEstimate, share_of
from schemas.casework.cases import WeekQuestion
from schemas.levels import WeekAnswer

DISSUADED, WAITING = "dissuaded", "waiting"
_ANSWERS = (WeekAnswer.NOTHING_PAID, WeekAnswer.PAID_SINCE, WeekAnswer.CONTACTED_AGAIN, WeekAnswer.NO_ANSWER)


class WeekAnswers(NamedTuple):
    """The question to dissuaded residents a week later, by cases. `dissuaded`: all whose resident was dissuaded;
    `asked`: of these, those in which the question was put; `waiting`: of these, those whose answer may still come.

    Of the others of `asked`: the shares that said that they had paid nothing, had paid, or were contacted again without
    paying, and those without an answer. Together they are 1.
    """

    dissuaded: int
    asked: int
    waiting: int
    nothing_paid: ShareEstimate
    paid: ShareEstimate
    contacted: ShareEstimate
    no_answer: ShareEstimate


def answer_counts(question: WeekQuestion | None, *, dissuaded: bool) -> Counter[str]:
    """Return what one case adds to the counts: 1 to DISSUADED if its resident was dissuaded (`dissuaded`), or was asked
    about it; and if they were asked, 1 to the answer's name, or to WAITING without one yet.
    """
    if question is None:
        return Counter({DISSUADED: 1} if dissuaded else {})
    return Counter({DISSUADED: 1, question.answer.value if question.answer else WAITING: 1})


def week_answers(counts: Mapping[str, int]) -> WeekAnswers:
    """Return the figures of the question a week later. `counts`: the sums of `answer_counts` over cases."""
    told, waiting = [counts.get(answer.value, 0) for answer in _ANSWERS], counts.get(WAITING, 0)
    ended = sum(told)
    return WeekAnswers(counts.get(DISSUADED, 0), ended + waiting, waiting, *(share_of(each, ended) for each in told))
