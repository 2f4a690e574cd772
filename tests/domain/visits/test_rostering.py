"""Rosters: no accepted one overlaps, what an absence frees is taken over by whoever may, gaps are where nobody is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policy.duty import Need
from domain.visits import rostering, swaps
from domain.visits.coverage import Gap, gaps, hours, monday, station_of
from domain.visits.rostering import REST, RosterError, Wrong, clashes
from schemas.people.rosters import Absence, AbsenceKind, Officer, Role, Roster, Shift, Swap, SwapState

NOW = datetime(2026, 3, 2, 0, tzinfo=UTC)  # 08:00 in Jilin, a Monday
JILIN = timezone(timedelta(hours=8))
PEOPLE = ("li", "wang", "zhao")


def at(hour: float) -> datetime:
    """So many hours from now."""
    return NOW + timedelta(hours=hour)


def shift(start: float, end: float) -> Shift:
    return Shift(start=at(start), end=at(end))


def officer(name: str, *shifts: Shift, role: Role = Role.OFFICER, division: str = "220102") -> Officer:
    return Officer(id=name, name=name, role=role, division=division, shifts=list(shifts))


def roster(*officers: Officer, **fields: object) -> Roster:
    return Roster.model_validate({"station": "s", "officers": list(officers), **fields})


def away(start: float, end: float, who: str = "li") -> Absence:
    return Absence(id="a1", officer=who, start=at(start), end=at(end), kind=AbsenceKind.SICK)


def shifts_of(of: Roster, name: str) -> list[Shift]:
    return list(rostering.named(of, name).shifts)


def test_a_shift_that_overlaps_another_of_the_same_person_is_refused() -> None:
    with pytest.raises(RosterError) as refused:
        rostering.add(roster(officer("li", shift(1, 9))), "li", shift(8, 12), NOW)
    assert refused.value.wrong is Wrong.OVERLAP


def test_a_shift_of_another_person_at_the_same_time_is_fine() -> None:
    after = rostering.add(roster(officer("li", shift(1, 9)), officer("wang")), "wang", shift(1, 9), NOW)
    assert shifts_of(after, "wang") == [shift(1, 9)]


def test_less_than_eleven_hours_of_rest_are_refused_unless_somebody_lets_it_pass() -> None:
    before = roster(officer("li", shift(1, 9)))
    with pytest.raises(RosterError) as refused:
        rostering.add(before, "li", shift(19, 27), NOW)
    assert refused.value.wrong is Wrong.SHORT_REST
    assert shifts_of(rostering.add(before, "li", shift(20, 28), NOW), "li")[1] == shift(20, 28)
    assert len(shifts_of(rostering.add(before, "li", shift(19, 27), NOW, waived=True), "li")) == 2


def test_what_was_wrong_before_does_not_keep_anybody_from_mending_the_rest() -> None:
    before = roster(officer("li", shift(1, 9), shift(8, 12)), officer("wang"))
    assert shifts_of(rostering.add(before, "wang", shift(1, 9), NOW), "wang") == [shift(1, 9)]
    mended = rostering.end(before, "li", shift(8, 12), NOW)
    assert not clashes(mended)


def test_a_shift_that_runs_ends_now_and_one_to_come_is_taken_out() -> None:
    before = roster(officer("li", shift(-2, 6), shift(24, 32)))
    assert shifts_of(rostering.end(before, "li", shift(-2, 6), NOW), "li")[0] == shift(-2, 0)
    assert shifts_of(rostering.end(before, "li", shift(24, 32), NOW), "li") == [shift(-2, 6)]


def test_a_shift_that_is_over_stays_as_it_was() -> None:
    before = roster(officer("li", shift(-9, -1)))
    changes: list[Callable[[], object]] = [
        lambda: rostering.end(before, "li", shift(-9, -1), NOW),
        lambda: rostering.change(before, "li", shift(-9, -1), shift(1, 9), NOW),
        lambda: rostering.add(before, "li", shift(-30, -22), NOW),
    ]
    for change in changes:
        with pytest.raises(RosterError) as refused:
            change()
        assert refused.value.wrong is Wrong.OVER


def test_a_shift_of_more_than_a_day_is_a_wrong_date() -> None:
    with pytest.raises(RosterError) as refused:
        rostering.shift(at(1), at(26))
    assert refused.value.wrong is Wrong.TOO_LONG


def test_an_absence_frees_what_lies_in_it_and_leaves_the_rest_of_a_shift() -> None:
    after = rostering.absent(roster(officer("li", shift(1, 9), shift(24, 32))), away(6, 26), NOW)
    assert shifts_of(after, "li") == [shift(1, 6), shift(26, 32)]
    assert [each.shift for each in after.open_shifts] == [shift(6, 9), shift(24, 26)]
    assert {each.officer for each in after.open_shifts} == {"li"}


def test_an_absence_taken_back_gives_back_what_nobody_has_taken() -> None:
    before = roster(officer("li", shift(1, 9), shift(24, 32)), officer("wang"))
    free = rostering.absent(before, away(6, 40), NOW)
    taken = rostering.take(free, free.open_shifts[1].id, "wang", NOW)
    after = rostering.back(taken, "a1")
    assert shifts_of(after, "li") == [shift(1, 9)]
    assert shifts_of(after, "wang") == [shift(24, 32)]
    assert not after.open_shifts
    assert not after.absences


def test_an_absence_taken_back_joins_only_what_it_had_cut() -> None:
    before = roster(officer("li", shift(0, 12), shift(12, 24), shift(24, 36)))
    for absence in (away(13, 20), away(6, 30), away(10, 13), away(30, 50)):
        assert rostering.back(rostering.absent(before, absence, NOW), "a1") == before, absence


def test_only_who_is_rested_present_and_free_could_take_a_shift_over() -> None:
    before = roster(
        officer("li", shift(24, 32)),
        officer("wang", shift(25, 30)),  # on another shift
        officer("zhao", shift(12, 20)),  # off for four hours only
        officer("qian", shift(5, 13)),  # off for eleven
        officer("sun"),
        absences=[away(20, 30, "sun")],
    )
    free = rostering.absent(before, away(20, 40), NOW)
    assert [each.id for each in rostering.candidates(free, free.open_shifts[0], NOW)] == ["qian"]


def test_nobody_is_put_on_a_shift_while_away() -> None:
    with pytest.raises(RosterError) as refused:
        rostering.add(roster(officer("li"), absences=[away(0, 10)]), "li", shift(8, 16), NOW)
    assert refused.value.wrong is Wrong.ABSENT


def swap(other: str = "wang", wanted: Shift | None = None, given: Shift | None = None) -> Swap:
    return Swap(id="w1", at=NOW, asker="li", shift=given or shift(24, 32), other=other, wanted=wanted)


def test_a_swap_is_made_when_both_and_a_supervisor_want_it() -> None:
    before = roster(officer("li", shift(24, 32)), officer("wang", shift(72, 80)))
    asked = swaps.ask(before, swap(wanted=shift(72, 80)), NOW)
    agreed = swaps.accept(asked, "w1", "wang", NOW)
    assert shifts_of(agreed, "li") == [shift(24, 32)], "not before a supervisor approves"
    made = swaps.approve(agreed, "w1", "boss", NOW)
    assert (shifts_of(made, "li"), shifts_of(made, "wang")) == ([shift(72, 80)], [shift(24, 32)])
    assert made.swaps[0].state is SwapState.APPROVED


def test_nobody_accepts_for_another_and_nothing_is_approved_that_was_not_accepted() -> None:
    asked = swaps.ask(roster(officer("li", shift(24, 32)), officer("wang"), officer("zhao")), swap(), NOW)
    attempts: list[Callable[[], object]] = [
        lambda: swaps.accept(asked, "w1", "zhao", NOW),
        lambda: swaps.decline(asked, "w1", "zhao"),
        lambda: swaps.approve(asked, "w1", "boss", NOW),
    ]
    for attempt in attempts:
        with pytest.raises(RosterError) as refused:
            attempt()
        assert refused.value.wrong is Wrong.GONE


def test_a_swap_that_would_overlap_is_refused_as_it_is_asked_and_as_it_is_approved() -> None:
    busy = roster(officer("li", shift(24, 32)), officer("wang", shift(30, 38)))
    with pytest.raises(RosterError):
        swaps.ask(busy, swap(), NOW)
    agreed = swaps.accept(
        swaps.ask(roster(officer("li", shift(24, 32)), officer("wang")), swap(), NOW), "w1", "wang", NOW
    )
    meanwhile = rostering.add(agreed, "wang", shift(30, 38), NOW)
    with pytest.raises(RosterError) as refused:
        swaps.approve(meanwhile, "w1", "boss", NOW)
    assert refused.value.wrong is Wrong.OVERLAP


def test_who_could_be_asked_is_told_with_what_could_come_back() -> None:
    before = roster(
        officer("li", shift(24, 32)), officer("wang", shift(72, 80)), officer("zhao", shift(20, 28), shift(96, 104))
    )
    found = [(each.id, back) for each, back in swaps.could_take(before, "li", shift(24, 32), NOW)]
    assert ("wang", None) in found
    assert ("wang", shift(72, 80)) in found
    assert ("zhao", None) not in found, "he works then"
    assert ("zhao", shift(20, 28)) in found, "unless he gives just that one away"


def test_a_shift_of_the_very_same_hours_is_not_offered_in_exchange() -> None:
    before = roster(officer("li", shift(24, 32)), officer("wang", shift(24, 32), shift(72, 80)))
    found = [(each.id, back) for each, back in swaps.could_take(before, "li", shift(24, 32), NOW)]
    assert found == []


moves = st.lists(
    st.tuples(
        st.sampled_from(("add", "change", "end", "absent", "take", "back", "swap")),
        st.sampled_from(PEOPLE),
        st.integers(0, 200),
        st.integers(1, 26),
        st.booleans(),
    ),
    max_size=25,
)


@given(moves)
def test_no_roster_that_was_accepted_overlaps_or_puts_somebody_on_a_shift_while_away(
    wanted: list[tuple[str, str, int, int, bool]],
) -> None:
    now = roster(*(officer(name) for name in PEOPLE))
    for number, (what, who, start, length, waived) in enumerate(wanted):
        try:
            now = _moved(now, what, who, number, start, length, waived=waived)
        except RosterError:
            continue
        wrong = {clash.wrong for clash in clashes(now)} - {Wrong.SHORT_REST}
        assert not wrong
        assert Roster.model_validate_json(now.model_dump_json()) == now


def _moved(now: Roster, what: str, who: str, number: int, start: int, length: int, *, waived: bool) -> Roster:
    mine = shifts_of(now, who)
    if what == "add":
        return rostering.add(now, who, rostering.shift(at(start), at(start + length)), NOW, waived=waived)
    if what == "absent":
        absence = Absence(id=f"a{number}", officer=who, start=at(start), end=at(start + length), kind=AbsenceKind.LEAVE)
        return rostering.absent(now, absence, NOW)
    if what == "take" and now.open_shifts:
        return rostering.take(now, now.open_shifts[start % len(now.open_shifts)].id, who, NOW, waived=waived)
    if what == "back" and now.absences:
        return rostering.back(now, now.absences[start % len(now.absences)].id)
    if not mine:
        return now
    old = mine[start % len(mine)]
    if what == "change":
        return rostering.change(now, who, old, rostering.shift(at(start), at(start + length)), NOW, waived=waived)
    if what == "end":
        return rostering.end(now, who, old, NOW)
    other = PEOPLE[(PEOPLE.index(who) + 1) % len(PEOPLE)]
    asked = swaps.ask(now, Swap(id=f"w{number}", at=NOW, asker=who, shift=old, other=other), NOW)
    return swaps.approve(swaps.accept(asked, f"w{number}", other, NOW), f"w{number}", "boss", NOW, waived=waived)


def need(hours: str, people: int, *roles: Role) -> Need:
    return Need.model_validate({"hours": hours, "people": people, **({"roles": list(roles)} if roles else {})})


def test_a_gap_is_told_with_its_hours_and_how_many_are_missing() -> None:
    on = [officer("li", shift(0, 8))]
    found = gaps(on, [need("08:00-20:00", 2)], at(0), at(24), JILIN)
    every = frozenset(Role)
    assert found == [Gap(at(0), at(8), 2, 1, every), Gap(at(8), at(12), 2, 0, every)]
    assert [gap.missing for gap in found] == [1, 2]


def test_a_need_over_midnight_counts_the_hours_of_both_days() -> None:
    found = gaps([], [need("22:00-07:00", 1)], at(0), at(24), JILIN)
    assert [(gap.start, gap.end) for gap in found] == [(at(14), at(23))]
    assert gaps([], [need("22:00-07:00", 1)], at(-8), at(0), JILIN)[0].end == at(-1)


def test_who_may_not_do_it_fills_no_gap() -> None:
    on = [officer("li", shift(0, 12), role=Role.GRID_WORKER)]
    assert gaps(on, [need("08:00-20:00", 1, Role.OFFICER)], at(0), at(12), JILIN)
    assert not gaps(on, [need("08:00-20:00", 1, Role.GRID_WORKER)], at(0), at(12), JILIN)


@given(
    st.lists(st.tuples(st.sampled_from(PEOPLE), st.integers(0, 60), st.integers(1, 20)), max_size=12),
    st.integers(0, 23),
    st.integers(1, 23),
    st.integers(1, 3),
)
def test_gaps_are_just_the_hours_in_which_fewer_are_there_than_needed(
    given_shifts: list[tuple[str, int, int]], opens: int, length: int, people: int
) -> None:
    on = [
        officer(name, *(shift(start, start + long) for who, start, long in given_shifts if who == name))
        for name in PEOPLE
    ]
    closes = (opens + length) % 24
    found = gaps(on, [need(f"{opens:02d}:00-{closes:02d}:00", people)], at(0), at(72), JILIN)
    for hour in range(72):
        local = (at(hour).astimezone(JILIN).hour - opens) % 24
        there = sum(any(each.start <= at(hour) < each.end for each in one.shifts) for one in on)
        lacking = local < length and there < people
        told = [gap for gap in found if gap.start <= at(hour) < gap.end]
        assert bool(told) == lacking
        assert all(gap.there == there for gap in told)


def test_hours_on_duty_are_counted_within_the_span_only() -> None:
    assert hours([officer("li", shift(-4, 4)), officer("wang", shift(2, 5))], at(0), at(4)) == 6.0


def test_a_place_belongs_to_the_station_whose_people_are_nearest() -> None:
    rosters = {
        "far": roster(officer("a", division="220202")),
        "near": roster(officer("b", division="220102001")),
        "county": roster(officer("c", division="220102")),
    }
    assert station_of("220102001", rosters, NOW.date()) == "near"
    assert station_of("220102003", rosters, NOW.date()) == "county"
    assert station_of("220102001", {}, NOW.date()) is None


def test_a_week_begins_on_monday_in_china() -> None:
    assert monday(at(0), JILIN) == datetime(2026, 3, 2, tzinfo=JILIN)
    assert monday(at(-9), JILIN) == datetime(2026, 2, 23, tzinfo=JILIN)


def test_the_rest_that_is_asked_for_stands_in_one_place() -> None:
    assert timedelta(hours=11) == REST
