"""The map of an area: which places it shows, and the colour, label and link of each place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from console.web.auth.who import Who
from console.web.auth.words import place
from console.web.kit.services import Services
from console.web.overview import shapes
from console.web.overview.shapes import MapView, Shape
from domain.calendar import local_date
from domain.desk.places import Layer, OpenCase, PlaceFigures, Range, by_division, figures_of, ramp, ranges
from domain.identity import divisions
from domain.visits.officers import on_duty
from schemas.people.rosters import Roster


@dataclass(frozen=True, slots=True)
class Chosen:
    """The area ("" for the province, or a prefecture's four digits) and the layer that the reader chose for the map."""

    area: str
    layer: Layer

    @classmethod
    def of(cls, who: Who, area: str, layer: str) -> "Chosen":
        """Return the requested area and layer if they exist and are in the reader's area; else the reader's area and
        the layer of open cases.
        """
        known = {shape.code for shape in shapes.prefecture_shapes()}
        begins = area if area and divisions.meet(area, who.area) else who.area[: divisions.PREFECTURE_DIGITS]
        return cls(begins if begins in known else "", Layer(layer) if layer in set(Layer) else Layer.OPEN)


@dataclass(frozen=True, slots=True)
class MapRow:
    """A place in the table beside the map, with its figures."""

    code: str
    name: str
    figures: PlaceFigures


@dataclass(frozen=True, slots=True)
class MapPlace:
    """A place on the map, in the drawing's units. `step`: its colour, from 0 (nothing to show) to 4; `radius`: of the
    circle that holds its label. `figures`: None outside the reader's area.
    """

    code: str
    name: str
    path: str
    x: int
    y: int
    radius: int
    step: int
    figures: PlaceFigures | None

    def named(self, name: str) -> bool:
        """Return True if the name fits into the place's circle."""
        return shapes.room(name, self.radius)

    def numbered(self, number: str) -> bool:
        """Return True if the number, given as text, fits into the place's circle."""
        return len(number) * shapes.DIGIT / 2 <= self.radius * shapes.NUMBER_ROOM


@dataclass(frozen=True, slots=True)
class Atlas:
    """A map and its table. `name`: of the chosen area; `above`: True if the reader may open the province's map;
    `whole`: the sums over all rows.
    """

    chosen: Chosen
    name: str
    province: str
    above: bool
    view: MapView
    places: list[MapPlace]
    rows: list[MapRow]
    ranges: list[Range]
    whole: PlaceFigures


def atlas(services: Services, who: Who, rosters: Iterable[Roster], chosen: Chosen) -> Atlas:
    """Return the chosen map and its table with the present figures: the reader's open cases, and officers on duty."""
    now = services.line.clock.now()
    rows = [row for row in services.hub.rows.values() if who.sees(row.case.profile.division)]
    cases = [OpenCase(row.division, row.level, row.offered, row.headline.amount_fen) for row in rows]
    return _drawn(by_division(cases, _on_duty(rosters, who, now)), who, chosen, now)


def _drawn(found: Mapping[str, PlaceFigures], who: Who, chosen: Chosen, now: datetime) -> Atlas:
    rows = [MapRow(code, name, figures_of(found, code)) for code, name in _named(who, chosen, now)]
    shown = shapes.county_shapes(chosen.area) if chosen.area else shapes.prefecture_shapes()
    most = max((row.figures.measured(chosen.layer) for row in rows), default=0)
    view, by_code = shapes.view_of(shown), {row.code: row for row in rows}
    province = divisions.name_of(divisions.PROVINCE, _day(now))
    return Atlas(
        chosen,
        place(chosen.area, _day(now)) if chosen.area else province,
        province,
        len(who.area) < divisions.PREFECTURE_DIGITS,
        view,
        [_place(shape, by_code.get(shape.code), chosen.layer, most, view, now) for shape in shown],
        rows,
        ranges(most),
        figures_of(found, chosen.area),
    )


def _place(shape: Shape, row: MapRow | None, layer: Layer, most: int, view: MapView, now: datetime) -> MapPlace:
    x, y, radius = view.place(shape)
    name = row.name if row else place(shape.code, _day(now))
    figures = row.figures if row else None
    step = ramp(figures.measured(layer), most) if figures else 0
    return MapPlace(
        shape.code,
        _short(name) if len(shape.code) == divisions.PREFECTURE_DIGITS else name,
        shape.path,
        x,
        y,
        radius,
        step,
        figures,
    )


def _named(who: Who, chosen: Chosen, now: datetime) -> list[tuple[str, str]]:
    """Return (code, name) of each place on this map that the reader may see."""
    today = _day(now)
    if not chosen.area and len(who.area) < divisions.PREFECTURE_DIGITS:
        return [(each.code[:4], each.name) for each in divisions.prefectures(today)]
    begins = max(chosen.area, who.area[: divisions.COUNTY_DIGITS], key=len)
    counties = [(each.code, each.name) for each in divisions.counties(today) if each.code.startswith(begins)]
    return counties or [(begins, place(begins, _day(now)))]


def _on_duty(rosters: Iterable[Roster], who: Who, now: datetime) -> list[str]:
    """Return the division code of each officer on duty in the reader's area."""
    return [
        officer.division
        for roster in rosters
        for officer in roster.officers
        if who.sees(officer.division) and on_duty(officer, now)
    ]


def _short(name: str) -> str:
    """Return a prefecture's name without its suffix, so that it fits on the map."""
    return name.removesuffix("朝鲜族自治州").removesuffix("市")


def _day(now: datetime) -> date:
    return local_date(now)
