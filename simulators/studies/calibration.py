"""Compares simulated years without warnings with the figures that Jilin's police published, line by line.

Published on 2021-04-29, for 2020. Tolerances: a share within 3 points; a count or sum within 10 % or three standard
errors over the seeds; "over 60 %" means more, by at most 15 points; "mostly" means between one half and nine tenths;
the largest case: its median over the seeds within a factor of 2, because single cases vary most.

The model lacks, and so the comparison leaves out: the offenders' places, the over 50 kinds of scam (here ten), how
stolen money is split, and the effect of warnings.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median, stdev

from schemas.people.residents import Occupation, Sex
from simulators.assumptions import figures
from simulators.assumptions.words import Told, count, millions, percent, plus_minus, times
from simulators.population import kinds
from simulators.population.census import Census
from simulators.studies.year import Crime, simulate_year

LOSS_YUAN, LARGE_CASES, LARGE_YUAN = 389_000_000, 61, 1_000_000  # Jilin, 2020
OLD = 60  # "old people": retirement age; assumed
_POINTS, _PART, _ERRORS, _ABOVE, _MOST = 0.03, 0.1, 3, 0.15, 0.9
_FIVE = ("brushing", "loan", "investment", "shopping", "police")
_FOUR = ("brushing", "loan", "romance", "police")
_MOST_HIT = {
    "students": Occupation.STUDENT,
    "company finance staff": Occupation.FINANCE_STAFF,
    "migrant workers": Occupation.MIGRANT_WORKER,
    "the self-employed": Occupation.SELF_EMPLOYED,
    "the unemployed": Occupation.UNEMPLOYED,
}


@dataclass(frozen=True, slots=True)
class Year:
    """One simulated year of a province. `census`: its people; `crimes`: the frauds of the year that were reported."""

    census: Census
    crimes: Sequence[Crime]


Measure = Callable[[Year], float]
Holds = Callable[[Crime], bool]


@dataclass(frozen=True, slots=True)
class Fact:
    """A published fact: `name`, `published` (its figure) and `tolerance`, all as text.

    `measure`: a function that returns the fact's value in one simulated year. `within`: a function that takes these
    values, one per simulated year, and returns True if they are within the tolerance. `show`: a function that formats a
    value.
    """

    name: str
    published: str
    tolerance: str
    measure: Measure
    within: Callable[[Sequence[float]], bool]
    show: Told


@dataclass(frozen=True, slots=True)
class Line:
    """A fact compared with the simulation. `fact`, `published`, `tolerance`, `simulated`: in words; `mean`, `sd`: of
    the values over the seeds, in the fact's unit (sd 0 for one seed); `ok`: True if the simulation is within the
    tolerance.
    """

    fact: str
    published: str
    tolerance: str
    simulated: str
    mean: float
    sd: float
    ok: bool


def calibrate(
    seeds: Sequence[int], residents: int = figures.PEOPLE, progress: Callable[[int, int], None] = lambda done, of: None
) -> list[Line]:
    """Simulate one year without warnings for each seed, in a province with `residents` residents. Return a line for
    each published fact, in the order of FACTS.

    `progress`: called after each year with the number of finished years and their total. Raises ValueError if `seeds`
    is empty.
    """
    measured = []
    for done, seed in enumerate(seeds, 1):
        measured.append(measures(Year(*simulate_year(seed, residents))))
        progress(done, len(seeds))
    return judge(measured)


def measures(year: Year) -> dict[str, float]:
    """Return each published fact's value in a simulated year, keyed by the fact's name. Counts are numbers, shares are
    from 0 to 1, sums are in yuan.
    """
    return {fact.name: fact.measure(year) for fact in FACTS}


def judge(measured: Sequence[Mapping[str, float]]) -> list[Line]:
    """Compare each published fact with the simulation, and return one line for each, in the order of FACTS. `measured`:
    for each seed, the values by fact name. Raises ValueError if it is empty.
    """
    return [_line(fact, [one[fact.name] for one in measured]) for fact in FACTS]


def report(lines: Iterable[Line]) -> list[dict[str, object]]:
    """Return the lines as plain dicts, by field name, for a JSON report."""
    return [asdict(line) for line in lines]


def _line(fact: Fact, values: Sequence[float]) -> Line:
    mean, sd = fmean(values), _sd(values)
    simulated = plus_minus(mean, sd, fact.show)
    return Line(fact.name, fact.published, fact.tolerance, simulated, mean, sd, fact.within(values))


def _sd(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def _about(name: str, figure: float, measure: Measure, show: Told) -> Fact:
    """Return a fact about a count or a sum, with the tolerance of 10 % or three standard errors."""

    def within(values: Sequence[float]) -> bool:
        error = _ERRORS * _sd(values) / math.sqrt(len(values))
        return abs(fmean(values) - figure) <= max(_PART * figure, error)

    return Fact(name, show(figure), "10 % or 3 standard errors", measure, within, show)


def _order(name: str, figure: float, measure: Measure, show: Told) -> Fact:
    return Fact(
        name,
        show(figure),
        "median within a factor of 2",
        measure,
        lambda values: figure / 2 <= median(values) <= 2 * figure,
        show,
    )


def _share(name: str, published: str, share: float, measure: Measure) -> Fact:
    return Fact(name, published, "3 points", measure, lambda values: abs(fmean(values) - share) <= _POINTS, percent)


def _over(name: str, share: float, measure: Measure) -> Fact:
    return Fact(
        name,
        f"over {share:.0%}",
        f"to {share + _ABOVE:.0%}",
        measure,
        lambda values: share < fmean(values) <= share + _ABOVE,
        percent,
    )


def _mostly(name: str, measure: Measure) -> Fact:
    return Fact(name, "mostly", f"50 to {_MOST:.0%}", measure, lambda values: 0.5 < fmean(values) <= _MOST, percent)


def _most_hit(name: str, job: Occupation) -> Fact:
    """Return the fact that an occupation is hit more often than people on average."""
    among = kinds.TABLE.occupation == kinds.OCCUPATIONS.index(job)

    def measure(year: Year) -> float:
        return _part(lambda crime: crime.occupation is job)(year) / year.census.share(among)

    return Fact(f"{name}: victims to residents", "most hit", "over 1", measure, lambda values: fmean(values) > 1, times)


def _part(holds: Holds, scam_type: str | None = None) -> Measure:
    """Return a measure: the share (0 to 1) of crimes (of one type, or all) for which `holds` returns True; 0 without
    crimes.
    """

    def measure(year: Year) -> float:
        found = [holds(crime) for crime in year.crimes if scam_type in (None, crime.scam_type)]
        return fmean(found) if found else 0.0

    return measure


def _of_types(names: Collection[str]) -> Measure:
    return _part(lambda crime: crime.scam_type in names)


def _aged(scam_type: str) -> Measure:
    """Return a measure: the share (0 to 1) of a type's victims within the published ages."""
    low, high = _AGES[scam_type]
    return _part(lambda crime: low <= crime.age <= high, scam_type)


def _loss(year: Year) -> float:
    """Return the total loss of a year in yuan."""
    return sum(crime.lost_fen for crime in year.crimes) / 100


def _large(year: Year) -> float:
    return sum(crime.lost_fen >= LARGE_YUAN * 100 for crime in year.crimes)


def _largest(year: Year) -> float:
    """Return the largest loss of a year in yuan; 0 without crimes."""
    return max((crime.lost_fen for crime in year.crimes), default=0) / 100


def _man(crime: Crime) -> bool:
    return crime.sex is Sex.MALE


def _woman(crime: Crime) -> bool:
    return crime.sex is Sex.FEMALE


def _intellectual_or_old(crime: Crime) -> bool:
    return crime.occupation is Occupation.INTELLECTUAL or crime.age >= OLD


_AGES = {"brushing": (18, 40), "loan": (23, 45), "romance": (30, 60)}  # Jilin
FACTS = (
    _about("cases a year", figures.CASES_A_YEAR, lambda year: len(year.crimes), count),
    _about("direct loss", LOSS_YUAN, _loss, millions),
    _about("cases of ¥1 million and more", LARGE_CASES, _large, count),
    _order("largest single case", figures.LARGEST_YUAN, _largest, millions),
    _over("in Changchun, Jilin city and Yanbian", 0.6, _part(lambda crime: crime.prefecture in figures.HARD_HIT)),
    _over("over the internet", 0.7, _part(lambda crime: crime.over_internet)),
    _over("with an app or a website", 0.85, _part(lambda crime: crime.uses_app)),
    _over("brushing, loans, investment, shopping, police", 0.8, _of_types(_FIVE)),
    _over("brushing, loans, romance, police", 0.7, _of_types(_FOUR)),
    _share("men among the victims", "6 : 4", 0.6, _part(_man)),
    *(_most_hit(name, job) for name, job in _MOST_HIT.items()),
    _over("brushing: women", 0.7, _part(_woman, "brushing")),
    _mostly("brushing: 18 to 40", _aged("brushing")),
    _over("loans: men", 0.8, _part(_man, "loan")),
    _mostly("loans: 23 to 45", _aged("loan")),
    _mostly("romance: women", _part(_woman, "romance")),
    _mostly("romance: 30 to 60", _aged("romance")),
    _mostly("police: intellectuals and old people", _part(_intellectual_or_old, "police")),
)
