"""For a minor, automated calls, operators, officers and lists all have one number: the guardian's."""

from console.web.auth.who import Who
from console.web.operator_calls.placing import CallStart, start_call
from console.web.tasks.mine import Mine
from schemas.casework.cases import Case
from schemas.levels import Channel
from schemas.people.residents import Holding, Resident
from schemas.people.staff import StaffRole
from streams.channels.operator_calls.phones import OperatorPhones, Placed
from tests.console.harness.case_forms import SECONDS, red
from tests.console.harness.stage import Client, Stage
from tests.domain.identity.test_identity import ANNA, BORIS, NOW
from tests.domain.identity.test_identity import resident as entry
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line

CHILDS, GUARDIANS = "+8619900001111", "+8619900002222"


class _NotingTelephones(OperatorPhones):
    """Operators' telephones whose gateway takes every call. `dialled`: the numbers of the calls."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", (b"k" * 32,))
        self.dialled: list[str] = []

    def has(self, login: str) -> bool:
        return True

    async def place(self, call: str, operator: str, number: str, case: str) -> Placed:
        self.dialled.append(number)
        return Placed.TAKEN


async def _minor(line: Line) -> tuple[Resident, Resident, Case]:
    guardian = await line.resident()
    child, case = await red(line, guardian=guardian.id, birth_year=2014)
    return guardian, child, case


async def test_an_operators_dial_goes_to_the_guardian_as_the_automated_call_does(
    console: Stage, line: Line, operator: Client
) -> None:
    guardian, child, case = await _minor(line)
    sent = [each for event in await line.events(child) for each in event.dispatches]
    calling = next(each for each in sent if each.channel is Channel.SMS)
    automated = await console.services.line.outgoing.recipient(calling)
    phones, login = _NotingTelephones(), operator.account.login
    who = Who(login, "", StaffRole.OPERATOR, operator.account.area, None, None, "session")
    assert await start_call(console.services, phones, who, case) is CallStart.RINGS
    assert phones.dialled == [guardian.phones[0].value] == [automated and automated.phone]


async def test_the_row_shows_the_number_that_is_dialled_and_the_childs_own_finds_it_too(
    console: Stage, line: Line, operator: Client
) -> None:
    guardian, child, case = await _minor(line)

    async def known() -> bool:
        return case.id in console.services.hub.rows

    await until(known, SECONDS)
    assert console.services.hub.rows[case.id].phone == guardian.phones[0].value
    for number in (guardian.phones[0].value, child.phones[0].value):
        assert case.id in (await operator.post("/queue/search", data={"q": number})).text


async def test_a_row_shows_the_telephone_that_is_called_and_not_the_one_listed_first(
    console: Stage, line: Line
) -> None:
    shared, own = Holding(value=line.phone(), shared=True), Holding(value=line.phone())
    _, case = await red(line, phones=[shared, own])

    async def known() -> bool:
        return case.id in console.services.hub.rows

    await until(known, SECONDS)
    assert console.services.hub.rows[case.id].phone == own.value


def test_an_officer_dials_the_guardian_of_a_minor() -> None:
    child = entry(ANNA, Holding(value=CHILDS), birth_year=2014, guardian=BORIS)
    guardian = entry(BORIS, Holding(value=GUARDIANS))
    mine = Mine(None, [], [], [], {}, {ANNA: child}, guardians={ANNA: guardian})
    assert (mine.dialled(ANNA, NOW), mine.dialled(BORIS, NOW)) == (GUARDIANS, "")
