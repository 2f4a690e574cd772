"""No script of ours holds Redis up: each is run at its bound on a real redis-server, which tells how long it took."""

from pathlib import Path

from tests.tools.field.scripts import MOST_MS, bounds, longest

PAYERS = 50_000  # of one account: what its scripts do does not grow with them, and filling it takes long
SCRIPTS = Path(__file__).parents[3] / "streams" / "state" / "lua"


async def test_each_script_at_its_bound_takes_less_than_20_ms(tmp_path: Path) -> None:
    async with bounds(tmp_path / "redis", PAYERS) as (made, redis):
        works = made.works()
        took = {name: await longest(redis, work) for name, (_, work) in works.items()}
    assert {name: ms for name, ms in took.items() if ms > MOST_MS} == {}
    measured = {name.partition(",")[0] for name in works} | {"run", "counted", "lasts"}  # parts of others
    assert measured == {path.stem for path in SCRIPTS.glob("*.lua")}
