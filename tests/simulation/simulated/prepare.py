"""What every schedule begins with, made once in a process: a world without faults runs until all stand."""

from datetime import UTC, datetime, timedelta
from random import Random

from domain.policy import Policy
from schemas.people.residents import Holding, Occupation, Resident, Sex, TrustedContact
from schemas.people.rosters import Officer, Role, Roster, Shift
from streams.messaging.topics import home
from tests.simulation.simulated import worker
from tests.simulation.simulated.loop import Node
from tests.simulation.simulated.world import BEGAN, PARTITIONS, Prepared, World, kinds

RESIDENTS = 4
HERE = "220102001"  # a street of Changchun
STATION = "station-sim"
SECONDS = 10.0  # an epoch settles meanwhile


def phone(number: int) -> str:
    """A telephone that nobody has."""
    return f"+8619900{number:06d}"


def account(number: int) -> str:
    """An account that nobody has."""
    return f"9900000000{number:06d}"


def _ids() -> list[str]:
    """Ids of residents that take turns over the partitions."""
    letters, found = "abcdefghijklmnopqrstuvwxyz234567", list[str]()
    for number in range(1_000_000):
        name = "r" + "".join(letters[(number >> shift) & 31] for shift in range(0, 80, 5))
        if home(name, PARTITIONS) == len(found) % PARTITIONS:
            found.append(name)
        if len(found) == RESIDENTS:
            return found
    raise AssertionError("no such ids")


def _resident(number: int, name: str) -> Resident:
    return Resident(
        id=name,
        name="某某",
        phones=[Holding(value=phone(number))],
        accounts=[Holding(value=account(number))],
        birth_year=1975,
        sex=Sex.FEMALE,
        occupation=Occupation.EMPLOYEE,
        division=HERE,
        address=f"示例路{number}号",
        contacts=[TrustedContact(name="甲", phone=phone(100 + number), relation="儿子")],
    )


def _roster() -> Roster:
    at = datetime.fromtimestamp(BEGAN, UTC)
    shift = Shift(start=at - timedelta(days=1), end=at + timedelta(days=30))
    names = ("officer-1", "officer-2")
    return Roster(
        station=STATION,
        officers=[Officer(id=n, name="某警官", role=Role.OFFICER, division=HERE, shifts=[shift]) for n in names],
    )


def prepared() -> Prepared:
    """Run a world without faults until the partitions stand, and keep what is there then."""
    residents = tuple(_resident(number, name) for number, name in enumerate(_ids(), 1))
    world = World(Random(0), 0.0, kinds({}))
    world.begin = worker.start
    worker.run_in(world)
    try:
        admin = Node("admin")
        filling = world.loop.spawn(_fill(world, admin, residents), admin)
        world.loop.drive(60.0, filling.done)
        policy = filling.result()
        worker.start("w1")
        world.loop.drive(world.loop.time() + SECONDS)
        state = Prepared(
            world.loop.time(),
            world.log.copy(),
            dict(world.group.committed),
            world.redis().snapshot(),
            residents,
            policy,
        )
        world.network.over = True
        world.loop.end()
    finally:
        worker.run_in(None)
    if world.failures:
        raise AssertionError(f"the world cannot be prepared: {world.failures}")
    return state


async def _fill(world: World, admin: Node, residents: tuple[Resident, ...]) -> Policy:
    line = worker.make_line(world, admin)
    await line.timekeeper.ask()
    await line.producer.start()
    policy = await line.policies.default()
    await line.residents.put(residents)
    await line.outgoing.rosters.put(_roster())
    return policy
