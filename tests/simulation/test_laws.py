"""Each law stays silent on a schedule in which all went well, and fires on its own violation."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from schemas.cases import Case, CaseState
from schemas.events import CaseEvent
from schemas.inputs import CloseAct, Forget, Hold, HoldChange, LowerAct, OperatorReport, PolicyChange
from schemas.levels import Level, Result
from tests.simulation import handmade
from tests.simulation.handmade import BEGAN, CAREFUL, ENDED, IN_DANGER, NOON, POLICY
from tests.simulation.known import known
from tests.simulation.laws import LAWS, broken, violations
from tests.simulation.observed import AcceptedSignal, Contact, LogRecord, Observed, Promise, Store

SMS = f"{IN_DANGER}-1:red.sms:1:sms"
CALL = f"{IN_DANGER}-1:red.call:1:phone"
VISIT = f"{IN_DANGER}-1:red.visit:1:visit"


@pytest.fixture(scope="module")
def good() -> Observed:
    return handmade.observed()


def words(observed: Observed, law: str) -> str:
    """All that breaks a law, in lines."""
    return "\n".join(each.words for each in broken(observed, law))


def laws_broken(observed: Observed) -> set[str]:
    return {each.law for each in violations(observed)}


def with_log(
    observed: Observed, topic: str, partition: int, change: Callable[[list[LogRecord]], Iterable[LogRecord]]
) -> Observed:
    """With a log that is another."""
    logs = {name: {p: list(records) for p, records in parts.items()} for name, parts in observed.logs.items()}
    parts = logs.setdefault(topic, {})
    parts[partition] = list(change(parts.get(partition, [])))
    return replace(observed, logs=logs)


def with_store(observed: Observed, partition: int, **changes: object) -> Observed:
    stores = dict(observed.stores)
    stores[partition] = replace(stores[partition], **changes)  # type: ignore[arg-type]  # its own fields
    return replace(observed, stores=stores)


def without(observed: Observed, topic: str, partition: int, *marks: str) -> Observed:
    """Without the records that say all of these."""
    return with_log(
        observed,
        topic,
        partition,
        lambda records: [r for r in records if not all(mark.encode() in (r.value or b"") for mark in marks)],
    )


def appended(observed: Observed, topic: str, partition: int, *values: BaseModel | bytes, at: float = BEGAN) -> Observed:
    def added(records: list[LogRecord]) -> list[LogRecord]:
        contents = [value if isinstance(value, bytes) else value.model_dump_json().encode() for value in values]
        return records + [LogRecord(len(records) + n, at, None, content) for n, content in enumerate(contents)]

    return with_log(observed, topic, partition, added)


def less(mapping: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in mapping.items() if name not in names}


def events(observed: Observed, case: str) -> list[CaseEvent]:
    return [each.what for each in known(observed).stories[case]]


def contact(name: str, seconds: float, *, acted: bool = True) -> Contact:
    return Contact(name, name.rpartition(":")[2], BEGAN + seconds, acted)


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


# nothing_lost


def test_a_signal_that_is_not_where_it_was_acknowledged_is_lost(good: Observed) -> None:
    lost = AcceptedSignal("bank", "bank:t2", "signals", 1, 1, 0, BEGAN)
    told = words(replace(good, accepted=[*good.accepted, lost]), "nothing_lost")
    assert "signal bank:t2 of bank, accepted at 0.000 s, is not at signals/1/1/0" in told


def test_a_danger_that_casework_was_never_told_of_is_lost() -> None:
    inputs = handmade.usual()
    inputs[0] = [(2, handmade.alert(IN_DANGER, Level.YELLOW, 2)), *inputs[0][1:]]
    told = words(handmade.observed(inputs), "nothing_lost")
    assert f"resident {IN_DANGER}: the signals carrier:c1, bank:t1 together make red" in told
    assert "1 alerts of lower levels" in told


def test_a_danger_without_any_alert_is_lost() -> None:
    inputs = handmade.usual()
    inputs[1] = []
    assert "make yellow, but case-inputs has no alert of it" in words(handmade.observed(inputs), "nothing_lost")


def test_an_alert_without_a_case_is_lost(good: Observed) -> None:
    told = words(with_store(good, 1, cases={}), "nothing_lost")
    assert f"alert a:{CAREFUL}:1 (case-inputs/1/0, at 3.000 s) has no case" in told


def test_an_input_without_its_event_is_lost(good: Observed) -> None:
    third = events(good, f"{IN_DANGER}-1")[2]
    told = words(without(good, "case-events", 0, f'"{third.id}"'), "nothing_lost")
    assert f"makes version 3 of case {IN_DANGER}-1, and the journal has no event of it" in told


def test_a_decision_whose_dispatch_was_never_published_is_lost(good: Observed) -> None:
    told = words(without(good, "dispatches.red", 0, f'"{CALL}"'), "nothing_lost")
    assert f"dispatch {CALL} of case {IN_DANGER}-1 (decided in version" in told
    assert "is not on dispatches.red: no channel knows of it" in told


def test_a_dispatch_in_another_partition_is_told(good: Observed) -> None:
    record = next(r for r in good.records("dispatches.red", 0) if f'"{SMS}"'.encode() in (r.value or b""))
    moved = appended(without(good, "dispatches.red", 0, f'"{SMS}"'), "dispatches.red", 1, record.value or b"")
    assert "belongs on dispatches.red/0, but is at dispatches.red/1/0" in words(moved, "nothing_lost")


def test_a_dispatch_that_no_channel_has_reported_is_lost(good: Observed) -> None:
    inputs = [(r.at - BEGAN, r.value or b"") for r in good.records("case-inputs", 0)]
    silent = [(at, value) for at, value in inputs if f'"{VISIT}"'.encode() not in value and b"red.visit" not in value]
    never = with_log(
        good, "case-inputs", 0, lambda _: [LogRecord(n, BEGAN + at, None, v) for n, (at, v) in enumerate(silent)]
    )
    told = words(never, "nothing_lost")
    assert f"dispatch {VISIT}" in told
    assert "no channel has reported it, though its provider was asked to send it" in told


def test_a_dispatch_reported_as_sent_that_no_provider_has_is_lost(good: Observed) -> None:
    contacts = [each for each in good.contacts if each.dispatch != SMS]
    told = words(replace(good, contacts=contacts), "nothing_lost")
    assert f"dispatch {SMS}" in told
    assert "was reported as sent, and no provider has contacted anybody by it" in told


def test_a_record_that_nobody_can_read_lies_among_the_dead_letters(good: Observed) -> None:
    silent = with_log(good, "dead-letters", 0, lambda _: [])
    assert "was refused, and is not among the dead letters" in words(silent, "nothing_lost")


def test_a_valid_input_among_the_dead_letters_is_lost(good: Observed) -> None:
    letter = orjson.loads(good.records("dead-letters", 0)[0].value or b"{}")
    wrong = orjson.dumps(letter | {"id": "case-inputs/1/0", "where": letter["where"] | {"partition": 1, "offset": 0}})
    told = words(appended(good, "dead-letters", 0, wrong), "nothing_lost")
    assert "case-inputs/1/0 lies among the dead letters, though nothing is wrong with it" in told


# nobody_twice


@pytest.mark.parametrize("name", [SMS, CALL, VISIT])
def test_a_second_contact_by_one_dispatch_is_told(good: Observed, name: str) -> None:
    told = words(replace(good, contacts=[*good.contacts, contact(name, 300)]), "nobody_twice")
    assert f"dispatch {name} of case {IN_DANGER}-1" in told
    assert "contacted the resident 2 times by it" in told
    assert "300.000 s" in told


def test_a_second_request_by_which_an_idempotent_provider_does_nothing_is_none(good: Observed) -> None:
    again = replace(good, contacts=[*good.contacts, contact(SMS, 300, acted=False)])
    assert laws_broken(again) == set()


def in_doubt(name: str) -> Observed:
    """The first visit is in doubt; its provider was asked twice."""
    inputs = handmade.usual()
    first = handmade.observed(inputs)
    dispatch = known(first).expected[name].dispatch
    inputs[0].append((280, handmade.result_of(dispatch, Result.IN_DOUBT, 280)))
    made = handmade.observed(inputs)
    return replace(made, contacts=[*made.contacts, contact(name, 300)])


def test_a_second_contact_by_an_unsafe_provider_that_was_counted_as_in_doubt_is_allowed() -> None:
    assert laws_broken(in_doubt(VISIT)) == set()


def test_a_second_contact_by_a_safe_provider_is_told_though_it_was_in_doubt() -> None:
    assert laws_broken(in_doubt(CALL)) == {"nobody_twice"}


def test_two_dispatches_for_one_attempt_are_told(good: Observed) -> None:
    other = SMS.replace(":sms", ":phone")
    told = words(replace(good, contacts=[*good.contacts, contact(other, 5)]), "nobody_twice")
    assert f"step red.sms, attempt 1 was carried out as {other} and as {SMS}" in told


def test_a_contact_by_a_dispatch_that_no_input_leads_to_is_told(good: Observed) -> None:
    strange = f"{IN_DANGER}-1:red.sms:9:sms"
    told = words(replace(good, contacts=[*good.contacts, contact(strange, 5)]), "nobody_twice")
    assert f"to carry out {strange}, which no input leads to" in told


def test_a_dispatch_on_its_topic_that_no_input_leads_to_is_told(good: Observed) -> None:
    record = good.records("dispatches.red", 0)[0].value or b""
    strange = appended(good, "dispatches.red", 0, record.replace(SMS.encode(), SMS.replace(":1:", ":9:").encode()))
    assert "and no input leads to it" in words(strange, "nobody_twice")


def test_an_attempt_that_was_sent_and_reported_as_failed_makes_the_next_one_a_second_contact() -> None:
    """Hole 4: a provider that acts and then answers 500."""
    made = handmade.observed(denied=[SMS])
    assert laws_broken(made) == {"nobody_twice", "counted_doubts"}
    twice = words(made, "nobody_twice")
    assert f"case {IN_DANGER}-1, step red.sms: attempt 1 was reported as failed, but the provider has" in twice
    assert "attempt 2 did so again at" in twice
    assert f"dispatch {SMS}" in words(made, "counted_doubts")
    assert "a second contact that nothing counts" in words(made, "counted_doubts")


# one_result, counted_doubts, doubts_resolved


def test_a_channel_that_contradicts_itself_is_told(good: Observed) -> None:
    dispatch = known(good).expected[CALL].dispatch
    more = handmade.usual()
    more[0].append((500, handmade.result_of(dispatch, Result.NOT_SENT, 500)))
    made = handmade.observed(more)
    assert laws_broken(made) == {"one_result"}
    assert "was reported as not sent and as sent" in words(made, "one_result")


def test_a_repeat_to_a_provider_that_does_not_recognise_it_must_be_counted(good: Observed) -> None:
    again = replace(good, contacts=[*good.contacts, contact(VISIT, 300, acted=False)])
    assert laws_broken(again) == {"counted_doubts"}
    assert "is counted nowhere as in doubt" in words(again, "counted_doubts")


@pytest.mark.parametrize("mark", ["sending", "unsure"])
def test_a_doubt_that_nobody_resolves_is_told(mark: str) -> None:
    first = f"{IN_DANGER}-1:red.sms:1:sms"
    made = handmade.observed({0: [(2, handmade.alert(IN_DANGER, Level.RED, 2))], 1: handmade.usual()[1]})
    silent = with_log(made, "case-inputs", 0, lambda records: records[:1])
    marked: dict[str, object] = (
        {"dispatches": {first: orjson.dumps({"state": "sending"}).decode()}}
        if mark == "sending"
        else {"unsure": {first}}
    )
    told = words(with_store(silent, 0, **marked), "doubts_resolved")
    assert f"dispatch {first}" in told
    assert mark in told


# nothing_after_settled


def test_a_contact_after_the_resident_was_dissuaded_is_told(good: Observed) -> None:
    late = contact(f"{CAREFUL}-1:yellow.sms:1:sms", 450)
    contacts = [each for each in good.contacts if each.dispatch != late.dispatch]
    told = words(replace(good, contacts=[*contacts, late]), "nothing_after_settled")
    assert "the resident was contacted at 450.000 s, but is dissuaded since 400.010 s" in told
    assert "input case-inputs/1/" in told


@pytest.mark.parametrize(("seconds", "stalls"), [(401, ()), (450, ((BEGAN + 399, BEGAN + 449),))])
def test_a_contact_that_was_on_its_way_when_the_resident_was_dissuaded_is_allowed(
    good: Observed, seconds: float, stalls: Sequence[tuple[float, float]]
) -> None:
    late = contact(f"{CAREFUL}-1:yellow.sms:1:sms", seconds)
    contacts = [each for each in good.contacts if each.dispatch != late.dispatch]
    assert laws_broken(replace(good, contacts=[*contacts, late], stalls=stalls)) == set()


# no_fork, level_only_rises, one_open_case


def changed(observed: Observed, case: str, number: int, /, **changes: object) -> CaseEvent:
    """An event of a case, with another id and what else is changed of the case."""
    event = events(observed, case)[number - 1]
    return event.model_copy(update={"id": "another", "case": event.case.model_copy(update=changes)})


def test_two_events_of_one_version_are_a_fork(good: Observed) -> None:
    fork = changed(good, f"{IN_DANGER}-1", 3)
    told = words(appended(good, "case-events", 0, fork), "no_fork")
    assert f"case {IN_DANGER}-1 has 2 events of version 3" in told
    assert "event another of case" in told


def test_an_event_that_says_something_else_than_its_input_gives_is_told(good: Observed) -> None:
    event = events(good, f"{IN_DANGER}-1")[2]
    other = event.model_copy(update={"case": event.case.model_copy(update={"level": Level.BLUE})})
    told = words(appended(good, "case-events", 0, other), "no_fork")
    assert f"event {event.id} of case {IN_DANGER}-1 (version 3) at case-events/0/" in told
    assert "differs from what case-inputs/0/" in told
    assert told.endswith("case")


def test_an_event_that_is_published_twice_is_no_fork(good: Observed) -> None:
    again = appended(good, "case-events", 0, *events(good, f"{IN_DANGER}-1")[2:5], at=ENDED)
    assert laws_broken(again) == set()


def test_a_version_that_is_missing_is_told(good: Observed) -> None:
    third = events(good, f"{IN_DANGER}-1")[2]
    assert "but has no event of 3" in words(without(good, "case-events", 0, f'"{third.id}"'), "no_fork")


def test_a_level_that_falls_by_itself_is_told(good: Observed) -> None:
    last = len(events(good, f"{IN_DANGER}-1"))
    fallen = changed(good, f"{IN_DANGER}-1", last, level=Level.BLUE, version=last + 1)
    told = words(appended(good, "case-events", 0, fallen), "level_only_rises")
    assert f"case {IN_DANGER}-1 fell from red to blue in version {last + 1}" in told


def report(name: str, act: BaseModel, seconds: float, number: int) -> OperatorReport:
    told = {"resident": name, "case": f"{name}-1", "by": "operator li", "seen": 999}
    return OperatorReport.model_validate(
        {"id": f"form:{number}", "at": handmade.moment(seconds), **told, "act": act.model_dump()}
    )


def test_a_level_that_somebody_lowers_by_name_may_fall() -> None:
    inputs = handmade.usual()
    inputs[0].append((500, report(IN_DANGER, LowerAct(level=Level.BLUE, reason="a mistake"), 500, 8)))
    assert laws_broken(handmade.observed(inputs)) == set()


def test_a_second_open_case_of_a_resident_is_told(good: Observed) -> None:
    opened = changed(good, f"{CAREFUL}-1", 1, id=f"{CAREFUL}-2", number=2).model_copy(update={"offset": 2})
    told = words(appended(good, "case-events", 1, opened), "one_open_case")
    assert f"resident {CAREFUL} has two open cases: {CAREFUL}-2 was opened by input case-inputs/1/2" in told


# store_equals_fold


def other_version(store: Store, name: str) -> dict[str, str]:
    case = Case.model_validate_json(store.cases[name])
    return {**store.cases, name: case.model_copy(update={"version": case.version - 1}).model_dump_json()}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda store: {"cases": other_version(store, IN_DANGER)}, f"case of {IN_DANGER} differs in version"),
        (lambda store: {"cases": {}}, f"case of {IN_DANGER} is not stored"),
        (
            lambda store: {"earlier": {"x": store.cases[IN_DANGER]}},
            "earlier case x is stored, and no input",
        ),
        (lambda store: {"applied": {}}, f"a:{IN_DANGER}:1 is not known as applied"),
        (lambda store: {"applied": {**store.applied, "x": 1.0}}, "x is known as applied, and should not be"),
        (lambda store: {"deadlines": {}}, f"deadline of {IN_DANGER}-1|red.call: the inputs give 17"),
        (lambda store: {"queue": {"x": 1.0}}, "place in the queue of x: the inputs give nothing"),
        (lambda store: {"held": {IN_DANGER}}, f"{IN_DANGER} is known as held, and should not be"),
        (lambda store: {"awaited": {"x"}}, "x is known as awaited, and should not be"),
        (lambda store: {"ledger": {"cases": 2}}, "sum of money cases: the inputs give 1, the store has 2"),
        (lambda store: {"counts": {**store.counts, "contact|sms|sent": 9}}, "count contact|sms|sent"),
        (lambda store: {"settled": {"x": NOON.isoformat()}}, "time when last settled of x"),
        (lambda store: {"state": {**store.state, "policy": "f" * 16}}, f"policy {'f' * 16} is in force"),
    ],
)
def test_a_store_that_is_not_what_the_inputs_give_is_told(
    good: Observed, change: Callable[[Store], dict[str, object]], told: str
) -> None:
    wrong = with_store(good, 0, **change(good.store(0)))
    assert told in words(wrong, "store_equals_fold")
    assert "partition 0: " in words(wrong, "store_equals_fold")


def test_an_input_that_is_known_as_applied_without_its_case_is_told(good: Observed) -> None:
    """Hole 1: the fold declares an input as applied that nobody has decided on."""
    before = events(good, f"{CAREFUL}-1")[-2].case
    lost = with_store(good, 1, cases={CAREFUL: before.model_dump_json()})
    assert "the inputs give version" in words(lost, "store_equals_fold")


def test_ids_of_very_old_inputs_may_be_forgotten(good: Observed) -> None:
    later = replace(good, ended_at=ENDED + timedelta(days=10).total_seconds())
    assert words(with_store(later, 0, applied={}), "store_equals_fold") == ""


# conservation


@pytest.mark.parametrize("tally", [{}, {"web|raised": 2}, {"web|raised": 1, "web|duplicate": 1}])
def test_signals_and_outcomes_that_do_not_add_up_are_told(good: Observed, tally: dict[str, int]) -> None:
    told = words(with_store(good, 1, tally=tally), "conservation")
    assert told == f"source web: 1 signals are on the lanes, and {sum(tally.values())} have an outcome"


def test_what_is_refused_is_counted_as_dead_lettered(good: Observed) -> None:
    poisoned = appended(good, "signals", 1, b"\x00poison")
    assert "source unknown: 1 signals are on the lanes, and 0 have an outcome" in words(poisoned, "conservation")
    counted = with_store(poisoned, 1, tally={"web|raised": 1, "unknown|dead_lettered": 1})
    assert words(counted, "conservation") == ""


def test_a_store_built_anew_knows_nothing_of_signals_that_are_no_longer_kept(good: Observed) -> None:
    gone = replace(with_store(good, 1, tally={}), begins={"signals": {1: 1}})
    assert words(gone, "conservation") != ""
    assert words(replace(gone, lost_at=[BEGAN]), "conservation") == ""


# not_stuck


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"state": {}}, "partition 0 has no store at the end"),
        ({"state": {"offset": "3"}}, "partition 0 stands at input 3, and case-inputs ends at"),
        ({"outbox": {"3/x": "{}"}}, "3/x is still in the outbox"),
        ({"screened": {}}, "signals-urgent/0 was screened up to -1, and ends at 0"),
        ({"deadlines": {}}, f"case {IN_DANGER}-1 is open (contacting), and no deadline of it is stored"),
    ],
)
def test_a_store_that_stands_still_is_told(good: Observed, change: dict[str, object], told: str) -> None:
    assert told in words(with_store(good, 0, **change), "not_stuck")


def test_a_step_that_waits_without_a_deadline_is_told(good: Observed) -> None:
    wrong = with_store(good, 0, deadlines=less(good.store(0).deadlines, f"{IN_DANGER}-1|red.visit"))
    assert f"step red.visit of case {IN_DANGER}-1 is sent, and has neither ended nor a deadline" in words(
        wrong, "not_stuck"
    )


def shifted(good: Observed, seconds: float, *, from_offset: int = 3) -> Observed:
    """With the inputs of partition 0, from one on, appended later."""
    return with_log(
        good,
        "case-inputs",
        0,
        lambda records: [replace(r, at=r.at + seconds) if r.offset >= from_offset else r for r in records],
    )


def test_a_deadline_that_fires_late_is_told(good: Observed) -> None:
    healed = replace(good, healed_at=BEGAN - 100)
    assert laws_broken(shifted(healed, 1)) == set()
    told = words(shifted(with_log(healed, "case-events", 0, _later(5)), 5), "not_stuck")
    assert f"the deadline of step red.call of case {IN_DANGER}-1 fired at" in told
    assert "and was owed by" in told


def _later(seconds: float) -> Callable[[list[LogRecord]], list[LogRecord]]:
    return lambda records: [replace(r, at=r.at + seconds) if r.offset >= 2 else r for r in records]


def test_a_deadline_may_be_late_while_faults_last(good: Observed) -> None:
    late = shifted(with_log(good, "case-events", 0, _later(5)), 5)
    assert words(replace(late, healed_at=ENDED - 10), "not_stuck") == ""


# The models


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
        (510, Forget(id="f1", at=handmade.moment(510), resident=CAREFUL, by="li")),
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
        "laws",
        "law_journal",
        "law_lost",
        "law_contacts",
        "law_store",
    ):
        tree = ast.parse((folder / f"{name}.py").read_text("utf-8"))
        imported = {each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
        assert not {module for module in imported if module.startswith(("streams", "agents", "faust", "redis"))}
    asked = (
        "import sys, tests.simulation.laws; print([m for m in sys.modules if m.split('.')[0] in ('streams', 'agents')])"
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
    text = Path(__file__).read_text("utf-8")
    assert all(f'"{law}"' in text for law in LAWS)
    assert set(Promise) == {"idempotent", "askable", "neither"}
