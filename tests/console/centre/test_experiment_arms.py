"""What the page of experiments says of an arm, in each language."""

from typing import Any

import pytest

from console.web.kit.pages import environment
from domain.policy.experiments.arms import Arm
from tests.domain.experiments.plans import WORDING

ALL: dict[str, Any] = {"sms": WORDING, "after": {"visit": "4h"}, "caller": {"call": "operator"}, "remind_after": "14d"}
SAID = {
    "zh": "另拟短信, 提前步骤, 坐席代替自动外呼, 劝阻后 14 天再次提醒",
    "en": "text of its own, earlier steps, an operator makes the automated call, "
    "reminded 14 days after they were dissuaded",
    "ko": "별도 문자, 단계 앞당김, 상담원이 자동 전화를 대신함, 설득 14일 뒤 재알림",
}


@pytest.mark.parametrize(("language", "said"), SAID.items())
async def test_the_page_says_what_an_arm_does(language: str, said: str) -> None:
    does = environment(language).get_template("experiment_arms.html").module.does
    assert does(Arm.model_validate({"weight": 0.5, **ALL})).strip() == said
    assert said not in does(Arm(weight=0.5))
