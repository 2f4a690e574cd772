"""A queue of thousands: open cases of all levels in one prefecture, and operators who take them and give them back."""

from datetime import datetime, timedelta
from itertools import cycle

from domain.identity.identifiers import new_resident_id
from schemas.casework.acts import ClaimAct
from schemas.casework.cases import Case, Step
from schemas.casework.inputs import OperatorReport
from schemas.levels import Level
from schemas.people.residents import Holding, Occupation, Resident, Sex
from streams.installation import Installation
from streams.messaging import case_inputs
from streams.messaging.producer import Record
from streams.messaging.topics import home
from streams.state.store_update import StoreUpdate
from tests.domain.builders import Line as Decided
from tests.domain.builders import payment

CHUNK = 500
COUNTIES = ("220102", "220103", "220104", "220105", "220106", "220112", "220182", "220183")


async def fill(line: Installation, now: datetime, count: int) -> list[Case]:
    """Open cases of all levels, as casework stores them, whose clocks are a day away: nothing falls due meanwhile."""
    partitions = line.settings.partitions
    given = [decided(level, waits, now) for level in Level for waits in (False, True)]
    counties = cycle(COUNTIES)
    made = [of(given[number % len(given)], number, next(counties)) for number in range(count)]
    await line.residents.put([somebody(case, number) for number, case in enumerate(made)])
    for partition in range(partitions):
        own = [case for case in made if home(case.resident, partitions) == partition]
        for start in range(0, len(own), CHUNK):
            change = StoreUpdate()
            for case in own[start : start + CHUNK]:
                change.case(None, case)
            assert await line.store.commit(partition, await line.store.offset(partition), None, change)
    return made


def taken(case: Case, by: str, take: bool, now: datetime, partitions: int) -> Record:
    """Somebody takes a case, or gives it back: an input of the line, as the desk writes it."""
    report = OperatorReport(
        id=f"test:{case.id}:{by}:{take}",
        at=now,
        resident=case.resident,
        case=case.id,
        by=by,
        seen=case.version,
        act=ClaimAct(do="claim" if take else "unclaim"),
    )
    return case_inputs.record(report, home(case.resident, partitions))


def decided(level: Level, waits: bool, now: datetime) -> Case:
    """A case of the level; `waits`: an hour old, with what has fallen due until then."""
    age = timedelta(hours=1 if waits else 0)
    begun = Decided(at=now - age)
    begun.alert(level, *([payment(amount=3_000_000)] if level.rank > 2 else []))
    begun.pass_to(age)
    later = [_later(step) for step in begun.here.steps]
    return begun.here.model_copy(update={"steps": later})


def of(case: Case, number: int, county: str) -> Case:
    """The same of another resident."""
    resident = new_resident_id(number.to_bytes(10))
    profile = case.profile.model_copy(update={"division": county})
    money = case.danger.model_copy(update={"exposure_fen": 10_000 * (number % 997)})
    return case.model_copy(update={"resident": resident, "id": f"{resident}-1", "profile": profile, "danger": money})


def somebody(case: Case, number: int) -> Resident:
    """Who a case is about."""
    return Resident(
        id=case.resident,
        name=f"某{'甲乙丙丁'[number % 4]}",
        phones=[Holding(value=f"+8619800{number:06d}")],
        birth_year=1970,
        sex=Sex.FEMALE,
        occupation=Occupation.EMPLOYEE,
        division=case.profile.division,
    )


def _later(step: Step) -> Step:
    return step.model_copy(update={"due": step.due + timedelta(days=1)}) if step.due else step
