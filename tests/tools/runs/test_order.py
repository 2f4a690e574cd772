from pathlib import Path

from tests.tools.runs.order import BROKERS, ON_BROKERS, SECONDS, scope_of, seconds_of

ROOT = Path(__file__).parents[3]


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
