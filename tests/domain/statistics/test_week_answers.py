"""What the dissuaded answered a week later: counted once for each case, with Wilson's interval."""

from collections import Counter

from domain.statistics import counts
from domain.statistics.after_warning import WarningHistory, after_warning
from domain.statistics.shares import share_of
from domain.statistics.week_answers import answer_counts, week_answers
from schemas.casework.acts import WeekAnswerAct
from schemas.casework.cases import WeekQuestion
from schemas.levels import Action, WeekAnswer
from tests.domain.builders import NOON, Line, event
from tests.domain.casework.week.test_week_question import DAY, asked, by_telephone, put, reply


def question(answer: WeekAnswer | None) -> WeekQuestion:
    return WeekQuestion(asked_at=NOON, action=Action.WEEK_SMS, answer=answer)


def test_shares_are_of_the_questions_that_ended_with_wilsons_interval() -> None:
    found: Counter[str] = Counter()
    for answer in (*[WeekAnswer.NOTHING_PAID] * 6, WeekAnswer.PAID_SINCE, *[WeekAnswer.NO_ANSWER] * 3, None):
        found.update(answer_counts(question(answer), dissuaded=True))
    for _ in range(4):
        found.update(answer_counts(None, dissuaded=True))
    found.update(answer_counts(None, dissuaded=False))
    told = week_answers(found)
    assert (told.dissuaded, told.asked, told.waiting) == (15, 11, 1)
    assert told.nothing_paid == share_of(6, 10)
    assert (told.paid, told.contacted, told.no_answer) == (share_of(1, 10), share_of(0, 10), share_of(3, 10))
    assert told.nothing_paid.low is not None
    assert told.nothing_paid.high is not None
    assert (round(told.nothing_paid.low, 3), round(told.nothing_paid.high, 3)) == (0.313, 0.832)


def test_without_questions_there_is_no_share() -> None:
    told = week_answers({})
    assert (told.dissuaded, told.asked, told.nothing_paid.share) == (0, 0, None)


def history_of(line: Line) -> WarningHistory:
    history = WarningHistory()
    for number, decision in enumerate(line.decisions):
        if decision.case is not None and decision.facts:
            history.add(event(decision.case, number).model_copy(update={"facts": decision.facts}))
    return history


def test_the_report_from_the_journal_has_the_answer_beside_dissuaded() -> None:
    line = by_telephone()
    reply(line, "1", put(line))
    week = after_warning(history_of(line), [], line.now + 10 * DAY).week
    assert (week.at_the_time, week.confirmed.k) == (1, 1), "by another channel, and nothing paid"
    assert (week.question.dissuaded, week.question.asked, week.question.nothing_paid.k) == (1, 1, 1)


def test_who_says_that_they_have_paid_is_asked_and_not_confirmed() -> None:
    line = by_telephone()
    reply(line, "2", put(line))
    week = after_warning(history_of(line), [], line.now + 10 * DAY).week
    assert (week.confirmed.k, week.question.paid.k, week.question.nothing_paid.k) == (0, 1, 0)


def test_the_installations_count_follows_the_answer() -> None:
    line, total, before = by_telephone(), Counter[str](), None
    out = put(line)
    reply(line, "1", out)
    assert asked(line, 5) == []
    line.act(WeekAnswerAct(answer=WeekAnswer.CONTACTED_AGAIN))
    seen = []
    for decision in line.decisions:
        if decision.case is None or not decision.facts:
            continue
        total.update(counts.of_standing(before, decision.case))
        before = decision.case
        seen.append({name: number for name, number in total.items() if name.startswith("week|") and number})
    assert [each for number, each in enumerate(seen) if number == 0 or each != seen[number - 1]] == [
        {},
        {"week|waiting": 1},
        {"week|nothing_paid": 1},
        {"week|contacted_again": 1},
    ]
