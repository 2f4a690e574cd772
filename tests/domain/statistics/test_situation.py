"""The situation: each case once, and nobody found out by a small number."""

from datetime import datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import day_of
from domain.risk.reasons import reasons
from domain.statistics.situation import (
    DAYS,
    FEW,
    Row,
    Situation,
    Sums,
    discreet,
    last_days,
    means_of,
    sums_of,
    table,
    weeks,
)
from schemas.casework.acts import LossAvoidedClaim
from schemas.casework.cases import LossAvoided
from schemas.casework.events import CaseEvent
from schemas.codes.danger import CombinedEvidence, ScamSms
from schemas.levels import EvidenceClass, Level
from schemas.risk.evidence import Evidence, EvidenceKind
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, event, payment
from tests.domain.casework.journal import Journal, red_with_money

TODAY = [day_of(NOON)]


def everywhere(division: str) -> bool:
    return True


def all_of(found: Situation) -> Sums:
    return sums_of(found.total(everywhere, TODAY), "all", "")


def dissuaded() -> Journal:
    line = red_with_money()
    claim = LossAvoidedClaim(transfer="bank:1", evidence=EvidenceClass.C, amount_fen=1_000_000)
    line.dissuaded(kept=[claim])
    return line


def many(number: int, *, opened: datetime = NOON, division: str = "220104") -> list[CaseEvent]:
    """Events of so many cases, each another's."""
    line = Journal()
    line.alert(Level.YELLOW)
    profile = line.here.profile.model_copy(update={"division": division})
    changes = {"opened_at": opened, "profile": profile}
    who = line.here.resident
    return [
        event(line.here.model_copy(update={**changes, "id": f"{who}-{n + 1}", "number": n + 1})) for n in range(number)
    ]


def folded(*events: CaseEvent) -> Situation:
    found = Situation()
    for each in events:
        found.add(each)
    return found


def test_a_case_counts_once_as_it_stands_last_whatever_the_order_of_its_events() -> None:
    events = dissuaded().events
    for order in permutations(events):
        found = folded(*order, *order)
        assert all_of(found) == Sums(cases=1, dissuaded_evidenced=1, kept_c=1_000_000)
        assert table(found.total(everywhere, TODAY), "outcome")[0].value == "dissuaded"


def test_money_stands_under_its_class_and_the_modelled_is_never_added_in() -> None:
    line = dissuaded()
    kept = {
        "bank:1": LossAvoided(evidence=EvidenceClass.A, amount_fen=5),
        "bank:2": LossAvoided(evidence=EvidenceClass.B, amount_fen=70),
        "exposure": LossAvoided(evidence=EvidenceClass.D, amount_fen=9_000),
    }
    found = all_of(folded(event(line.here.model_copy(update={"kept": kept, "frozen": {"bank:1": 5}}))))
    assert (found.kept_a, found.kept_b, found.kept_d, found.frozen) == (5, 70, 9_000, 5)
    assert found.kept == 75


def test_another_area_sees_none_of_it() -> None:
    found = folded(*many(3), *[each.model_copy() for each in many(0)])
    assert found.total(lambda division: division.startswith("2224"), TODAY) == {}
    assert found.by_area(everywhere, TODAY, 4) == [Row("2201", Sums(cases=3))]


def test_fewer_than_five_are_hidden_and_the_one_alone_takes_another_with_it() -> None:
    rows = [Row("a", Sums(cases=40)), Row("b", Sums(cases=9)), Row("c", Sums(cases=4))]
    assert [row.value for row in discreet(rows) if row.hidden] == ["b", "c"]
    rows.append(Row("d", Sums(cases=1)))
    assert [row.value for row in discreet(rows) if row.hidden] == ["c", "d"]


@given(st.lists(st.integers(0, 30), max_size=9))
def test_no_hidden_number_can_be_told_from_the_others_and_the_total(numbers: list[int]) -> None:
    rows = discreet([Row(str(n), Sums(cases=number)) for n, number in enumerate(numbers)])
    hidden = [row for row in rows if row.hidden]
    assert all(row.hidden for row in rows if 0 < row.sums.cases < FEW)
    assert len(hidden) != 1 or not any(row.sums.cases >= FEW for row in rows)


def test_every_kind_of_evidence_tells_by_which_means_the_resident_was_approached() -> None:
    for kind in EvidenceKind:
        money = kind in (EvidenceKind.NEW_PAYEE, EvidenceKind.SUSPECT_PAYEE, EvidenceKind.REPORTED_PAYEE)
        state = TransferState.PENDING if money else None
        found = Evidence(id="a", kind=kind, at=NOON, partition=0, offset=0, state=state, amount_fen=100)
        assert "other" not in means_of(reasons([found], [], NOON, timedelta(hours=4))), kind
    assert means_of([CombinedEvidence("可疑通话期间或刚结束即转账"), ScamSms(NOON)]) == {"sms"}


def test_days_that_are_too_long_ago_are_forgotten() -> None:
    found = folded(*many(2))
    for each in many(1, opened=NOON + timedelta(days=DAYS)):
        found.add(each)
    assert found.days() == [day_of(NOON + timedelta(days=DAYS))]
    for each in many(1):
        found.add(each)
    assert found.days() == [day_of(NOON + timedelta(days=DAYS))], "nor do they come back"


def test_days_add_up_to_weeks() -> None:
    days = last_days("2026-03-08", 8)
    assert (days[0], days[-1]) == ("2026-03-01", "2026-03-08")
    found = weeks({day: Sums(cases=1) for day in days})
    assert {week: sums.cases for week, sums in found.items()} == {"2026-W09": 1, "2026-W10": 7}


def test_a_means_that_the_reasons_do_not_name_is_not_guessed() -> None:
    line = Journal()
    line.alert(Level.RED, payment())
    rows = table(folded(*line.events).total(everywhere, TODAY), "means")
    assert [row.value for row in rows] == ["other"]


def test_a_value_s_cases_are_counted_day_by_day_where_somebody_sees_them() -> None:
    before = NOON - timedelta(days=1)
    found = folded(*many(3), *many(2, opened=before, division="222401"))
    days = last_days(TODAY[0], 2)
    assert found.cases_by(everywhere, days, "level") == {"yellow": [2, 3]}
    assert found.cases_by(lambda division: division.startswith("2224"), days, "level") == {"yellow": [2, 0]}
