"""Tests of the words and figures in a row of the queue, rendered to HTML without a server."""

import re
from typing import Any

import pytest

from console.web.kit.pages import environment
from console.web.live.row import row_of
from schemas.casework.cases import Case, CaseState
from schemas.levels import Level
from streams.state.keys import milliseconds
from tests.domain.builders import NOON, danger, policy
from tests.domain.casework.test_triage import MINUTE, THERE, case, on_desk


def rendered(given: Case, language: str = "zh") -> str:
    """The row of a case at noon."""
    row = row_of(given, None, None, policy(), NOON)
    values: dict[str, Any] = {"row": row, "case": given, "step": row.next_step, "due": row.deadline, "now": NOON}
    values |= {"scam": "", "place": "", "people": {}}
    return environment(language).get_template("queue_row.html").render(values)


@pytest.mark.parametrize(("language", "form"), [("zh", "{m} 分钟"), ("en", "{m} min"), ("ko", "{m}분")])
def test_how_long_a_call_lasts_is_said_in_words_because_figures_read_as_a_time_of_day(language: str, form: str) -> None:
    since = NOON - 22 * MINUTE
    calling = danger(Level.RED, exposure=THERE, call_since=since)
    html = rendered(case(Level.RED, danger=calling, steps=on_desk()), language)
    ((attributes, inside),) = re.findall(r'<span class="calling"([^>]*)>(.*?)</span>', html)
    assert f'data-minutes="{form}"' in attributes
    assert f'<time class="elapsed" data-since="{milliseconds(since)}"' in inside


def test_a_case_that_nobody_has_claimed_says_that_the_system_is_contacting_the_resident() -> None:
    contacting = case(Level.RED, steps=on_desk(), state=CaseState.CONTACTING)
    assert "<strong>系统联系中</strong>" in rendered(contacting)
    assert "<strong>联系中</strong>" in rendered(contacting.model_copy(update={"claimed_by": "op1"}))
