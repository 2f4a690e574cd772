import re
from pathlib import Path

from tests.tools.runs.order import BROKERS, GUARDED, ON_BROKERS, SECONDS, scope_of, seconds_of

ROOT = Path(__file__).parents[3]
UNTIL_THE_END = {  # they take next to nothing while they have nothing to do, or are stopped in between
    "tests/conftest.py": "two servers without clients",
    "tests/tools/servers/fixtures.py": "the three brokers, ended where the file that follows needs none",
    "tests/browser/conftest.py": "the browser, in a run of its own",
    "tests/simulation/conftest.py": "no process",
    "tests/streams/security/test_hsm.py": "no process",
}


def test_every_file_of_the_order_exists() -> None:
    assert [file for file in {*SECONDS, *ON_BROKERS} if not (ROOT / file).exists()] == []


def test_what_shares_the_three_brokers_runs_in_one_process() -> None:
    (together,) = {scope_of(file) for file in ON_BROKERS}
    assert seconds_of(together) >= max(SECONDS[file] for file in ON_BROKERS & SECONDS.keys())
    assert together == BROKERS


def test_every_file_on_the_session_s_brokers_is_one_of_them() -> None:
    asks = {
        str(path.relative_to(ROOT))
        for path in ROOT.joinpath("tests").rglob("test_*.py")
        if path != Path(__file__) and "kafka_cluster: Kafka" in path.read_text("utf-8")
    }
    assert asks <= ON_BROKERS


def test_what_shares_the_guarded_broker_runs_in_one_process() -> None:
    files = [str(path.relative_to(ROOT)) for path in ROOT.joinpath(GUARDED).glob("test_*.py")]
    assert len(files) > 1
    assert {scope_of(file) for file in files} == {GUARDED}


def test_no_installation_waits_for_the_end_of_the_run() -> None:
    """A house with nothing to do takes a seventh of a core: it ends with the last file of its folder."""
    kept = {
        str(path.relative_to(ROOT))
        for path in ROOT.joinpath("tests").rglob("*.py")
        if re.search(r'fixture\((?:[^)]*[\s(])?scope="session"', path.read_text("utf-8"))
    }
    assert kept == UNTIL_THE_END.keys()
