"""Evidence judged again by another policy: the cases it would have raised."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.risk.replay import Known, Raised, Raw, replay, replayed, tally
from schemas.levels import Level
from schemas.risk.evidence import Evidence
from schemas.risk.signals import AppKind
from tests.domain.risk.riskworld import NOW, RULES, SUSPECT, app, call, evidence, profile, transfer

JILIN = (Path(__file__).parents[3] / "deploy/policy/jilin.toml").read_text("utf-8")
SINCE = NOW - timedelta(days=7)


def cases(*members: Evidence, settled: datetime | None = None, red: float = 4.0) -> list[Raised]:
    levels = {**RULES.levels, Level.RED: red}
    rules = RULES.model_copy(update={"levels": levels})
    return replay(Known(tuple(members), profile(), settled), rules, SINCE, NOW)


def test_a_case_opens_with_the_first_evidence_and_counts_at_its_gravest() -> None:
    found = cases(*evidence(app(AppKind.LOAN, ago=600)), *evidence(transfer(ago=30), watch=SUSPECT))
    assert [case.level for case in found] == [Level.RED]
    assert found[0].at == NOW - timedelta(minutes=600)


def test_another_threshold_gives_another_level() -> None:
    members = [*evidence(app(AppKind.LOAN, ago=600)), *evidence(transfer(ago=30), watch=SUSPECT)]
    assert [case.level for case in cases(*members, red=30.0)] == [Level.ORANGE]


def test_what_was_open_before_the_span_is_no_new_case() -> None:
    before = timedelta(days=7, minutes=10).total_seconds() / 60
    assert cases(*evidence(app(AppKind.LOAN, ago=before))) == []


def test_after_a_case_was_settled_new_evidence_opens_the_next() -> None:
    first, second = evidence(app(AppKind.LOAN, ago=3000, uid="a")), evidence(app(AppKind.LOAN, ago=60, uid="b"))
    assert len(cases(*first, *second)) == 1
    assert len(cases(*first, *second, settled=NOW - timedelta(minutes=2000))) == 2


def test_a_call_counts_from_its_end() -> None:
    (one,) = evidence(call(ago=100, seconds=1800, uid="long"))
    assert cases(one)[0].at == one.at + timedelta(seconds=1800)


def test_a_payment_counts_from_when_its_payee_was_known() -> None:
    later = SUSPECT.model_copy(update={"at": NOW - timedelta(minutes=5)})
    known = evidence(transfer(ago=300, new=False), watch=later)
    assert cases(*known)[0].at == NOW - timedelta(minutes=5)


def test_a_day_and_a_station_count_each_case_once() -> None:
    counted = tally([Raised(NOW, Level.RED), Raised(NOW, Level.BLUE)], "朝阳所", UTC)
    counted.add(tally([Raised(NOW, Level.RED)], "宽城所", UTC))
    assert counted.days[NOW.date(), Level.RED] == 2
    assert counted.stations["朝阳所", Level.RED] == 1
    assert counted.levels[Level.BLUE] == 1


def test_two_policies_judge_the_same_people_in_another_process() -> None:
    strict = JILIN.replace("red = 4.0 }", "red = 30.0 }")
    members = [*evidence(app(AppKind.LOAN, ago=600)), *evidence(transfer(ago=30), watch=SUSPECT)]
    raw = Raw(profile(), tuple(each.model_dump_json().encode() for each in members), None, "s")
    live, draft = replayed((JILIN, strict), [raw], SINCE, NOW, UTC)
    assert (live.levels[Level.RED], draft.levels[Level.RED], draft.levels[Level.ORANGE]) == (1, 0, 1)
