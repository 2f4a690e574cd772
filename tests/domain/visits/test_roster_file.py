"""A roster's file: each wrong row named with its column and why, both encodings, and what it changes."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import pytest

from domain.visits.roster_file import (
    Cell,
    EncodingError,
    decode,
    difference,
    imported,
    moment,
    parse,
    replaced,
    written,
)
from schemas.people.rosters import Absence, AbsenceKind, Officer, Role, Roster, Shift

JILIN = timezone(timedelta(hours=8))
HEADER = "station,id,name,role,division,languages,start,end"
GOOD = "朝阳所,p1,李某,民警,220104,zh ko,2026-03-02 08:00,2026-03-02 16:00"
EIGHT = datetime(2026, 3, 2, 0, tzinfo=UTC)


def read(*rows: str, area: str = "22") -> list[tuple[int, str, Cell]]:
    return [(cell.row, cell.column, cell.why) for cell in parse("\n".join([HEADER, *rows]), area, JILIN).wrong]


def test_a_row_is_a_shift_in_china_s_time() -> None:
    parsed = parse("\n".join([HEADER, GOOD]), "2201", JILIN)
    person = parsed.stations["朝阳所"]["p1"]
    assert (person.role, person.shifts[0].start) == (Role.OFFICER, EIGHT)
    assert {each.value for each in person.languages} == {"zh", "ko"}


def test_somebody_without_a_shift_is_on_the_roster_all_the_same() -> None:
    parsed = parse("\n".join([HEADER, "朝阳所,p2,王某,auxiliary,220104,,,"]), "", JILIN)
    assert parsed.stations["朝阳所"]["p2"].shifts == []


@pytest.mark.parametrize(
    ("row", "column", "why"),
    [
        (GOOD.replace("p1", ""), "id", Cell.MISSING),
        (GOOD.replace("民警", "警察"), "role", Cell.ROLE),
        (GOOD.replace("220104", "999999"), "division", Cell.DIVISION),
        (GOOD.replace("220104", "220202"), "division", Cell.ELSEWHERE),
        (GOOD.replace("zh ko", "english"), "languages", Cell.LANGUAGE),
        (GOOD.replace("2026-03-02 08:00", "8 Uhr"), "start", Cell.TIME),
        (GOOD.replace(",2026-03-02 16:00", ","), "end", Cell.MISSING),
        (GOOD.replace("16:00", "07:00"), "end", Cell.NOT_FORWARD),
        (GOOD.replace("2026-03-02 16:00", "2026-03-04 16:00"), "end", Cell.TOO_LONG),
    ],
)
def test_a_wrong_cell_is_named_with_its_row_and_column(row: str, column: str, why: Cell) -> None:
    assert read("朝阳所,p9,赵某,民警,220104,,,", row, area="2201") == [(3, column, why)]


def test_a_shift_that_overlaps_one_of_another_row_is_named() -> None:
    assert read(GOOD, GOOD.replace("08:00", "15:00").replace("16:00", "20:00")) == [(3, "start", Cell.OVERLAP)]


def test_two_rows_that_say_different_things_of_one_person_are_named() -> None:
    assert read(GOOD, GOOD.replace("李某", "张某").replace("03-02", "03-05")) == [(3, "id", Cell.DIFFERS)]


def test_a_column_that_is_missing_is_named_once() -> None:
    wrong = parse("station,id,name,role,division,languages,start\nx,y,z,民警,220104,,", "", JILIN).wrong
    assert [(cell.row, cell.column, cell.why) for cell in wrong] == [(1, "end", Cell.COLUMN)]


def test_utf8_with_a_mark_and_gb18030_are_read_alike() -> None:
    text = "\n".join([HEADER, GOOD])
    assert decode(text.encode("utf-8-sig")) == decode(text.encode("gb18030")) == text


def test_bytes_that_are_no_text_are_named_by_their_place() -> None:
    with pytest.raises(EncodingError) as refused:
        decode(b"station\xff\xff")
    assert refused.value.at == 8


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("2026-03-02 08:00", EIGHT),
        ("2026/3/2 8:00", EIGHT),
        ("2026-03-02T08:00", EIGHT),
        ("2026-03-02T00:00:00+00:00", EIGHT),
        ("2026-03-01 24:00", EIGHT - timedelta(hours=8)),
        ("2026-02-30 08:00", None),
        ("9999-12-31 24:00", None),
        ("", None),
    ],
)
def test_times_are_read_as_people_type_them(typed: str, found: datetime | None) -> None:
    assert moment(typed, JILIN) == found


def _officer(name: str, *starts: int) -> Officer:
    shifts = [Shift(start=EIGHT + timedelta(hours=h), end=EIGHT + timedelta(hours=h + 8)) for h in starts]
    return Officer(id=name, name=name, role=Role.OFFICER, division="220104", shifts=shifts)


def test_the_difference_tells_who_comes_who_goes_and_which_shifts() -> None:
    before = Roster(station="s", officers=[_officer("a", 0, 24), _officer("b", 0)])
    after = imported(before, "s", [_officer("a", 0, 48), _officer("c", 72)])
    told = difference(before, after)
    assert ([each.id for each in told.people_in], [each.id for each in told.people_out]) == (["c"], ["b"])
    assert [(who.id, one.start - EIGHT) for who, one in told.shifts_in] == [
        ("a", timedelta(hours=48)),
        ("c", timedelta(hours=72)),
    ]
    assert {(who.id, one.start - EIGHT) for who, one in told.shifts_out} == {
        ("a", timedelta(hours=24)),
        ("b", timedelta(0)),
    }


def test_an_import_keeps_the_absences_of_who_is_still_there() -> None:
    def absence(who: str) -> Absence:
        return Absence(id=f"x{who}", officer=who, start=EIGHT, end=EIGHT + timedelta(1), kind=AbsenceKind.SICK)

    before = Roster(station="s", officers=[_officer("a"), _officer("b")], absences=[absence("a"), absence("b")])
    assert [each.officer for each in imported(before, "s", [_officer("a")]).absences] == ["a"]


def test_a_calendar_replaces_what_is_to_come_and_leaves_what_has_been() -> None:
    before = Roster(station="s", officers=[_officer("a", -48, 24), _officer("b", 24)])
    new = _officer("x", 72).shifts
    after = replaced(before, {"a": new}, EIGHT)
    assert [each.start - EIGHT for each in after.officers[0].shifts] == [timedelta(hours=-48), timedelta(hours=72)]
    assert after.officers[1] == before.officers[1]


def test_a_roster_that_was_written_is_read_as_it_was() -> None:
    rows = [GOOD, GOOD.replace("03-02", "03-05"), '朝阳所,p2,"王,某",auxiliary,220104,,,']
    people = parse("\n".join([HEADER, *rows]), "", JILIN).stations["朝阳所"]
    ended = people["p1"].model_copy(update={"shifts": [Shift(start=EIGHT, end=EIGHT + timedelta(hours=3, seconds=7))]})
    for officers in ([*people.values()], [ended]):
        read_again = parse(written([Roster(station="朝阳所", officers=officers)], JILIN), "", JILIN)
        assert (read_again.wrong, [*read_again.stations["朝阳所"].values()]) == ([], officers)


@pytest.mark.parametrize("name", ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "'=1", "''=1", "'", "李=1", "-"])
def test_no_cell_is_a_formula_and_a_name_comes_back_as_it_was(name: str) -> None:
    officer = Officer(id=name, name=name, role=Role.OFFICER, division="220102")
    text = written([Roster(station=name, officers=[officer])], JILIN)
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    parsed = parse(text, "", JILIN)
    assert parsed.wrong == []
    assert [(each.id, each.name) for each in parsed.stations[name].values()] == [(name, name)]


def test_a_duty_telephone_is_read_and_written_and_a_wrong_one_is_named() -> None:
    parsed = parse("\n".join([f"{HEADER},phone", f"{GOOD},199 0000 9999"]), "", JILIN)
    person = parsed.stations["朝阳所"]["p1"]
    assert person.phone == "+8619900009999"
    again = parse(written([Roster(station="朝阳所", officers=[person])], JILIN), "", JILIN)
    assert again.stations["朝阳所"]["p1"] == person
    for wrong in ("96110", "no number"):
        found = parse("\n".join([f"{HEADER},phone", f"{GOOD},{wrong}"]), "", JILIN).wrong
        assert [(each.column, each.why, each.value) for each in found] == [("phone", Cell.PHONE, "")]


def test_a_file_without_telephones_deletes_none() -> None:
    known = parse("\n".join([f"{HEADER},phone", f"{GOOD},+8619900009999"]), "", JILIN).stations["朝阳所"]["p1"]
    plain = parse("\n".join([HEADER, GOOD]), "", JILIN).stations["朝阳所"]["p1"]
    after = imported(Roster(station="朝阳所", officers=[known]), "朝阳所", [plain])
    assert after.officers == [known]
