"""A year of the province at real scale and pace in which nobody is warned: the crimes that the police would count."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from schemas.people.residents import Occupation, Sex
from simulators.assumptions import figures
from simulators.assumptions.pace import DAY_HOURS, REAL
from simulators.population.census import Census
from simulators.population.people import age_of
from simulators.scams.schedule import scam_hours
from simulators.scams.story import Pay, Story, Tell
from simulators.world.province import START

HOURS = 365 * DAY_HOURS
# Only victims who pay are simulated, as many as at the real pace: the others cause no crime.
_PAYING = replace(
    REAL,
    stories=lambda residents: REAL.stories(residents) * REAL.depths["pays"],
    depths={"pays": 1.0},
)


@dataclass(frozen=True, slots=True)
class Crime:
    """A reported fraud. `scam_type`: a key of SCAMS; `lost_fen`: the sum paid since the victim's previous report;
    `age`: in years; `prefecture`: the six-digit division code; `over_internet`: True if the scam began on the internet,
    not with a call or SMS; `uses_app`: True if an app or website was part of it.
    """

    scam_type: str
    lost_fen: int
    sex: Sex
    age: int
    occupation: Occupation
    prefecture: str
    over_internet: bool
    uses_app: bool


def year(seed: int, census: Census) -> Iterator[Crime]:
    """Yield the reported frauds of the scams that begin within a year, in the order in which the scams begin; nobody is
    warned. `census` may be of a part of the province.
    """
    hours = scam_hours(seed, census.at_risk(), len(census), START, _PAYING)
    for hour in islice(hours, HOURS):
        for story in hour.stories:
            yield from crimes(story)


def crimes(story: Story) -> Iterator[Crime]:
    """Yield one reported fraud for each report of a loss in the story: none if the victim paid or reported nothing, two
    if they were defrauded again and reported both.
    """
    lost_fen = 0
    for beat in story.events:
        if isinstance(beat, Pay):
            lost_fen += beat.amount_fen
        elif isinstance(beat, Tell) and lost_fen:
            yield _crime(story, lost_fen)
            lost_fen = 0


def _crime(story: Story, lost_fen: int) -> Crime:
    victim = story.victim
    return Crime(
        scam_type=story.scam_type,
        lost_fen=lost_fen,
        sex=victim.sex,
        age=age_of(victim, START.date()),
        occupation=victim.occupation,
        prefecture=f"{victim.division[:4]}00",
        over_internet=story.over_internet,
        uses_app=story.uses_app,
    )


def simulate_year(seed: int, residents: int = figures.PEOPLE) -> tuple[Census, list[Crime]]:
    """Simulate one year in which nobody is warned, in a province of `residents` residents. Return (the people, the
    reported frauds in the order in which the scams begin). Equal arguments give equal results.
    """
    census = Census(seed, residents, START.date())
    return census, list(year(seed, census))
