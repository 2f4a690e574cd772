"""All laws stay silent on schedules in which all went well; and the models that they ask."""

import ast
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.casework.acts import CloseAct
from schemas.casework.cases import CaseState
from schemas.casework.inputs import Erase, Hold, HoldChange, PolicyChange
from schemas.levels import Level
from tests.simulation.laws import handmade
from tests.simulation.laws.all_laws import LAWS, violations
from tests.simulation.laws.altered import (
    laws_broken,
    report,
    with_log,
)
from tests.simulation.laws.handmade import CAREFUL, IN_DANGER, NOON, POLICY
from tests.simulation.laws.known import known
from tests.simulation.laws.observed import Observed, Promise


def test_a_schedule_in_which_all_went_well_breaks_no_law(good: Observed) -> None:
    assert list(violations(good)) == []


def test_the_schedule_made_by_hand_says_something_to_every_law(good: Observed) -> None:
    here = known(good)
    assert {each.state for fold in here.folds for each in fold.cases.values()} == {
        CaseState.CONTACTING,
        CaseState.DISSUADED,
    }
    assert {dispatch.channel.value for dispatch in (each.dispatch for each in here.expected.values())} >= {
        "sms",
        "phone",
        "visit",
    }
    assert len(here.fired) > 5
    assert good.contacts
    assert here.folds[0].refused


def hold_of(**more: object) -> Hold:
    told = {"id": "mute", "until": NOON + timedelta(hours=1), "reason": "a test of the line", "by": "li"}
    return Hold.model_validate({**told, **more})


def test_holds_policies_and_closed_cases_are_followed() -> None:
    inputs = handmade.usual()
    on = HoldChange(id="h1", at=handmade.moment(1), hold=hold_of())
    off = HoldChange(id="h2", at=handmade.moment(200), hold=hold_of(), lift="release")
    unknown = PolicyChange(id="p1", at=handmade.moment(6), policy="0" * 16, by="li")
    same = PolicyChange(id="p2", at=handmade.moment(7), policy=POLICY.hash, by="li")
    again = handmade.alert(CAREFUL, Level.ORANGE, 600, 2)
    inputs[0] += [(1, on), (200, off), (6, unknown), (7, same)]
    inputs[1] += [
        (500, report(CAREFUL, CloseAct(reason="the end"), 500, 2)),
        (510, Erase(id="f1", at=handmade.moment(510), resident=CAREFUL, by="li")),
        (600, again),
    ]
    made = handmade.observed(inputs)
    here = known(made)
    assert laws_broken(made) == set()
    assert len(here.standing) == 3
    assert len(here.folds[0].refused) == 2  # the poison, and the policy that does not exist
    assert here.folds[1].cases[CAREFUL].open


def test_the_model_knows_neither_streams_nor_agents() -> None:
    folder = Path(handmade.__file__).parent
    for name in (
        "observed",
        "model",
        "signals",
        "known",
        "all_laws",
        "journal",
        "lost",
        "contacts",
        "reported/losses",
        "reported/provinces",
        "store",
    ):
        tree = ast.parse((folder / f"{name}.py").read_text("utf-8"))
        imported = {each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
        assert not {module for module in imported if module.startswith(("streams", "agents", "faust", "redis"))}
    asked = (
        "import sys, tests.simulation.laws.all_laws; "
        "print([m for m in sys.modules if m.split('.')[0] in ('streams', 'agents')])"
    )
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


TIMES = st.floats(1, 800)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(TIMES, st.sampled_from(Level)), max_size=4), st.none() | TIMES)
def test_whatever_comes_a_schedule_without_faults_breaks_no_law(
    alerts: list[tuple[float, Level]], dissuaded: float | None
) -> None:
    inputs = handmade.usual()
    inputs[0] += [(at, handmade.alert(IN_DANGER, level, at, 2 + n)) for n, (at, level) in enumerate(alerts)]
    if dissuaded is not None:
        inputs[0].append((dissuaded, handmade.outcome(f"{IN_DANGER}-1", IN_DANGER, dissuaded, 5)))
    assert list(violations(handmade.observed(inputs))) == []


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_no_record_of_the_journal_or_of_a_dispatch_can_go_unnoticed(data: st.DataObject) -> None:
    made = handmade.observed()
    topic, partition = data.draw(st.sampled_from([("case-events", 0), ("case-events", 1), ("dispatches.red", 0)]))
    records = made.records(topic, partition)
    gone = data.draw(st.integers(0, len(records) - 1))
    left = with_log(made, topic, partition, lambda all_of: all_of[:gone] + all_of[gone + 1 :])
    assert "nothing_lost" in laws_broken(left)


def test_every_law_is_tried_here() -> None:
    text = "".join(path.read_text("utf-8") for path in Path(__file__).parent.rglob("test_law_*.py"))
    assert all(f'"{law}"' in text for law in LAWS)
    assert set(Promise) == {"idempotent", "askable", "neither"}
