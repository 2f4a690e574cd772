"""Small provinces to live through: each costs some tenths of a second."""

from datetime import timedelta
from functools import cache

from simulators.lab.book import Figures
from simulators.lab.compare import Contender, of_seed
from simulators.lab.dispatchers import DEFAULT, DISPATCHERS
from simulators.lab.laboratory import Laboratory
from simulators.lab.setup import Setup, made_for
from simulators.world.province import START, Province
from streams.runtime.settings import POLICY
from tests.domain.builders import policy

TEXT = POLICY.read_text("utf-8")
HOUR = timedelta(hours=1)


def setup(operators: int = 2, officers: int = 4, overload: float = 0.7) -> Setup:
    return made_for(operators, officers, HOUR, overload, 600, compressed=True)


@cache
def lived(seed: int, overload: float = 0.7) -> tuple[Laboratory, Province, Figures]:
    """An hour with all of its events."""
    own = setup(overload=overload)
    province = Province(seed, own.residents, START, own.pace)
    made = Laboratory(province, policy(), DISPATCHERS[DEFAULT](province, policy()), own, keep_events=True)
    return made, province, made.run()


@cache
def figures(seed: int, *dispatchers: str, overload: float = 1.7) -> dict[str, Figures]:
    """What each dispatcher comes to, on one seed."""
    return of_seed(seed, setup(1, overload=overload), [Contender(name, TEXT, name) for name in dispatchers])
