"""What an officer's card says of money: the warning and the act at the door never contradict each other."""

from datetime import timedelta

import pytest

from console.web.tasks.mine import _dangers, _first_acts
from domain.visits.tasks import Errand
from schemas.casework.cases import Stop, StopState
from schemas.levels import Level
from schemas.people.rosters import Task
from tests.domain.builders import NOON, payment
from tests.domain.casework.test_triage import case

WARNING, ACT = "资金正在转出：先保护账户", "请当事人停止转账，由本人联系付款银行撤回"


@pytest.mark.parametrize(("stop", "goes"), [(None, True), (Stop(state=StopState.IN_FORCE), False)])
def test_money_is_warned_of_and_called_back_only_while_nothing_has_stopped_it(stop: Stop | None, goes: bool) -> None:
    given = case(Level.RED, payments=[payment().model_copy(update={"stop": stop})])
    task = Task(dispatch="d-1", case=given.id, resident=given.resident, officer="p-1", at=NOON)
    errand = Errand(task, given, None, 0, timedelta(), fits=True)
    assert (WARNING in _dangers(errand), ACT in _first_acts(given)) == (goes, goes)
