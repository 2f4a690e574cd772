"""Two at one address: the one the officer was sent to is reached by telephone first; the other still waits for him."""

from schemas.casework.acts import NoteAct, OutcomeAct
from schemas.levels import Outcome
from schemas.people.rosters import Roster
from schemas.people.staff import StaffRole
from tests.console.harness.stage import Stage
from tests.console.harness.visiting import tasks_of
from tests.end_to_end.harness.rig import STATION
from tests.end_to_end.harness.signals import call, transfer


async def test_the_second_of_a_household_stays_on_the_officers_telephone(console: Stage) -> None:
    line = console.line()
    rosters = console.house.line.outgoing.rosters
    await rosters.put(Roster(station=STATION))
    await line.officers("joined-1")
    home = "人民大街100号2单元301"
    he, she = await line.resident(name="王先生", address=home), await line.resident(name="李女士", address=home)
    for each in (he, she):
        await line.signal(call(line, each), transfer(line, each, line.account()))
    await line.advance(minutes=3)
    tasks = {task.resident: task for task in (await rosters.tasks(console.house.clock.now())).values()}
    lead, other = (he, she) if tasks[she.id].joins else (she, he)
    assert tasks[other.id].joins == tasks[lead.id].dispatch
    async with await console.signed_in(StaffRole.OFFICER, officer="joined-1") as client:
        (task,) = await tasks_of(client)
        assert task["dispatch"] == tasks[lead.id].dispatch
        await line.operator(lead, NoteAct(what="conversation"))
        await line.operator(lead, OutcomeAct(outcome=Outcome.DISSUADED, recall=True))  # and nobody need go to the lead
        (task,) = await tasks_of(client)
        assert task["dispatch"] == tasks[other.id].dispatch
        at = console.house.clock.now().isoformat()
        arrived = {"id": "a" * 32, "do": "stage", "dispatch": task["dispatch"], "at": at, "stage": "arrived"}
        assert (await client.post("/tasks/acts", json={"acts": [arrived]})).status_code == 200
        await line.settle()
        (task,) = await tasks_of(client)
        assert (task["stage"], bool(task["check_in"])) == ("arrived", True)
    await line.end()
