"""Tests of the words and figures in a row of the queue, rendered to HTML without a server."""

import re
from typing import Any

from console.web.kit.pages import environment
from console.web.live.row import row_of
from schemas.casework.cases import Case, CaseState
from schemas.levels import Level
from streams.state.keys import milliseconds
from tests.domain.builders import NOON, danger, payment, policy
from tests.domain.casework.test_triage import MINUTE, THERE, case, on_desk


def rendered(given: Case, language: str = "zh") -> str:
    """The row of a case at noon."""
    row = row_of(given, None, None, policy(), NOON)
    values: dict[str, Any] = {"row": row, "case": given, "step": row.next_step, "due": row.deadline, "now": NOON}
    values |= {"scam": "", "place": "", "people": {}}
    return environment(language).get_template("queue_row.html").render(values)


def test_how_long_a_call_lasts_runs_on_in_its_row() -> None:
    since = NOON - 22 * MINUTE
    calling = danger(Level.RED, exposure=THERE, call_since=since)
    html = rendered(case(Level.RED, danger=calling, steps=on_desk()))
    (inside,) = re.findall(r'<span class="calling">(.*?)</span>', html)
    assert f'<time class="elapsed" data-since="{milliseconds(since)}"' in inside


def test_known_money_and_the_estimate_are_two_lines_and_the_live_signal_comes_before_the_score() -> None:
    calling = danger(Level.RED, exposure=9_000_000, call_since=NOON - MINUTE)
    given = case(Level.RED, danger=calling, payments=[payment(amount=120_000)], steps=on_desk())
    html = rendered(given)
    assert "¥1,200 <small>尚未止付</small>" in html
    assert '<small class="of_estimate">估算 ¥9万</small>' in html
    assert html.index("可疑通话中") < html.index("排序分")
    alone = rendered(given.model_copy(update={"payments": []}))
    assert "≈ ¥90,000 <small>估算</small>" in alone
    assert "of_estimate" not in alone


def test_the_amount_of_a_row_is_in_whole_yuan_so_that_none_is_cut() -> None:
    html = rendered(case(Level.RED, payments=[payment(amount=10_666_069)], steps=on_desk()))
    assert "¥106,660 <small>" in html
    assert ".69" not in html


def test_an_estimate_is_said_once_and_not_again_as_what_may_still_be_asked_for() -> None:
    calling = danger(Level.RED, exposure=9_000_000, call_since=NOON - MINUTE)
    alone = case(Level.RED, danger=calling, steps=on_desk())
    grounds = [each.ground for each in row_of(alone, None, None, policy(), NOON).reasons]
    assert "to_come" in grounds, "the row knows of it"
    assert "还可能被骗" not in rendered(alone)


def test_a_case_that_nobody_has_claimed_says_that_the_system_is_contacting_the_resident() -> None:
    contacting = case(Level.RED, steps=on_desk(), state=CaseState.CONTACTING)
    assert "<strong>系统联系中</strong>" in rendered(contacting)
    assert "<strong>联系中</strong>" in rendered(contacting.model_copy(update={"claimed_by": "op1"}))


def test_those_who_expire_within_a_minute_stand_above_the_ranking_with_a_link_to_the_rest() -> None:
    rows = [row_of(case(Level.RED, steps=on_desk()), None, None, policy(), NOON)]
    html = environment("zh").get_template("queue_soonest.html").render(soonest=rows, more=3)
    assert "1 分钟内到期，置顶：" in html
    assert f'href="/cases/{rows[0].id}"' in html
    assert "data-deadline" in html
    assert '<a href="/queue?state=expiring">另有 3 件</a>' in html
