"""Compares a candidate with another policy on the same recorded signals, from files or a running system."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path

from domain.identity.divisions import PROVINCE, current_code, division
from domain.identity.identifiers import BEIJING
from domain.policy import Policy
from domain.policy.risk import RiskRules
from domain.risk.backtest import Comparison, compare
from domain.visits import coverage
from schemas.base import EARLIEST
from schemas.errors import UserError
from schemas.people.rosters import Roster
from simulators.backtest import recorded, recorded_topics, register
from simulators.backtest.side import Side, batches
from simulators.backtest.spool import Spool, moment
from streams.installation import Installation
from streams.intake.formats import Options
from streams.repositories.residents.register import Residents
from streams.repositories.stations import Stations
from streams.screening.subjects import Subjects

NOWHERE = "–"  # for an unknown place
MICROSECOND = timedelta(microseconds=1)

Progress = Callable[[int, int], None]
"""Called with the number of signals evaluated so far and their total."""


class NothingRecordedError(UserError, ValueError):
    """The files or topics have no signal to evaluate."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The two compared policies: `candidate`, the policy to be tried, and `other`, the policy to compare it with."""

    candidate: Policy
    other: Policy


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a backtest. `comparison`: the cases under both policies, compared. `signals`: number of signals
    evaluated. `refused`: number of invalid rows, records and signals. `since`, `until`: the first and last time
    compared: of files, the times of the first and last signal; of topics, the asked `since`, and the last microsecond
    before the asked `until`. `anonymous`: True if no register of residents was used.
    """

    policies: Policies
    comparison: Comparison
    signals: int
    refused: int
    since: datetime
    until: datetime
    anonymous: bool


async def from_files(
    policies: Policies,
    files: Sequence[tuple[str, Path]],
    options: Options,
    residents: Path | None,
    progress: Progress = lambda done, total: None,
) -> Answer:
    """Evaluate the signals in `files`, given as (format, path), under both policies, and return the compared result.
    Cases are counted by prefecture.

    `residents`: a file of residents; None: every number counts as a separate person in no at-risk group. `progress`:
    called with the number of signals evaluated so far and their total. Raises RecordedError or ResidentsError if a file
    is not in its format, KeyError for an unknown format, OSError if a file cannot be read, and NothingRecordedError if
    no signal is valid.
    """
    secret = secrets.token_bytes(32)
    people: Residents = register.read(residents) if residents else register.Anybody(secret)
    with Spool() as spool:
        refused = sum(recorded.read(name, path, options, spool) for name, path in files)
        rules = [_rules(policy, anonymous=residents is None) for policy in (policies.candidate, policies.other)]
        sides = [Side(each, people, Subjects(secret)) for each in rules]
        since, until = await _judge(spool, sides, progress)
        found = _compared(sides, since, _prefectures(until))
        return Answer(
            policies, found, spool.count, refused + sides[0].refused, since, until, anonymous=residents is None
        )


async def from_topics(
    policies: Policies,
    line: Installation,
    since: datetime,
    until: datetime,
    progress: Progress = lambda done, total: None,
) -> Answer:
    """Evaluate the signals recorded on a running system's topics under both policies, and return the compared result.
    Cases are counted by police station.

    Cases opened from `since` (inclusive) to `until` (exclusive) count. Earlier signals are evaluated too, so that
    evidence from before `since` counts. A case ends when the resident's real case was settled. Residents, rosters and
    the watchlist are the present ones. Raises NothingRecordedError if the topics have no signal from before `until`,
    and CodecError or KeyAwaitedError if records cannot be decrypted. Errors of Kafka and Redis pass through.
    """
    settings = line.settings
    with Spool() as spool:
        refused = await recorded_topics.signals(settings, spool, until)
        first = _first(spool)
        settled = [each for each in await recorded_topics.settled(settings, first) if each[0] < until]
        entries = await recorded_topics.watchlist(settings, first)
        subjects = Subjects(settings.key(), settings.id_number_keys())
        rules = [policies.candidate.risk, policies.other.risk]
        sides = [Side(each, line.residents, subjects, settled) for each in rules]
        for side in sides:
            await side.suspects.enter(entries, side.rules)
        _, last = await _judge(spool, sides, progress, until)
        place = _stations(await Stations(line.redis, line.outgoing.rosters).all(), until)
        found = _compared(sides, since, place)
        return Answer(policies, found, spool.count, refused + sides[0].refused, since, last, anonymous=False)


async def _judge(
    spool: Spool, sides: Sequence[Side], progress: Progress, until: datetime | None = None
) -> tuple[datetime, datetime]:
    """Process all signals on all sides, and let time pass until `until`. Return the first and the last moment."""
    first, last, done = None, EARLIEST, 0
    for items in batches(spool):
        for side in sides:
            await side.take(items)
        first, last, done = first or items[0].arrived, items[-1].arrived, done + len(items)
        progress(done, spool.count)
    if first is None:
        raise NothingRecordedError("there is not one signal to judge")
    ends = until - MICROSECOND if until else last
    for side in sides:
        side.pass_to(ends)
    return first, ends


def _compared(sides: Sequence[Side], since: datetime, place: Callable[[str], str]) -> Comparison:
    candidate, other = sides
    return compare(candidate.courses.found, other.courses.found, since, place, BEIJING)


def _rules(policy: Policy, anonymous: bool) -> RiskRules:
    """Return the policy's risk rules; without at-risk groups if the residents are unknown."""
    return policy.risk.model_copy(update={"at_risk": []}) if anonymous else policy.risk


def _first(spool: Spool) -> datetime:
    for signal in islice(spool, 1):
        return moment(signal)
    raise NothingRecordedError("the topics keep no signal from before then; they are kept for seven days")


def _prefectures(at: datetime) -> Callable[[str], str]:
    """Return a function from division code to the name of its present prefecture, NOWHERE if unknown."""
    today = at.astimezone(BEIJING).date()

    def place(code: str) -> str:
        now = current_code(code, today) or code
        home = division(f"{now[:4]}00", today)
        return home.name if home and home.code != PROVINCE else NOWHERE

    return lru_cache(place)


def _stations(rosters: dict[str, Roster], at: datetime) -> Callable[[str], str]:
    today = at.astimezone(BEIJING).date()
    return lru_cache(lambda code: coverage.station_of(code, rosters, today) or NOWHERE)
