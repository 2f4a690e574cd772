"""The trace through a file of transfers: what the tool reports of a small file with a known way."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.bench.tracing import FILE_BOUNDS, of_file, of_graphs, of_lots, read

NODES = "nodeid,isFraud,init_balance,fraudStep\n1,0,500.00,-1\n2,1,0.00,1\n3,1,10.00,1\n4,0,0.00,-1\n5,0,0.00,-1\n"
ROWS = ["1,2,100.00,1", "2,3,90.00,1", "3,4,95.5,1", "4,5,200.00,2", "5,1,1.00,3", "1,5,1.00,3"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Six payments: of the first half, two go to accounts that are marked."""
    path = tmp_path / "transactions.csv.gz"
    path.write_bytes(gzip.compress(("sourceNodeId,targetNodeId,value,time\n" + "\n".join(ROWS)).encode()))
    path.with_name("nodes.csv.gz").write_bytes(gzip.compress(NODES.encode()))
    return path


def test_the_files_order_breaks_ties_and_fractions_of_a_yuan_are_fen(file: Path) -> None:
    data = read(file)
    assert [movement.amount_fen for movement in data.past.movements] == [10_000, 9_000, 9_550, 20_000, 100, 100]
    assert (data.marked, data.accounts) == (frozenset("23"), 5)


def test_thefts_are_followed_and_what_overdraws_is_counted(file: Path) -> None:
    found = of_file(read(file), thefts=1, seeds=4)["thefts"]["fifo"]
    assert found["thefts"] == 4
    assert found["overdraft"] == 4  # account 4 pays ¥200 of the ¥95.50 that it has, whichever theft is followed
    assert 0 < found["reached_marked"] < found["reached"]


def test_bounds_end_the_trace(file: Path) -> None:
    bounds = FILE_BOUNDS._replace(hops=1)
    found = of_file(read(file), thefts=2, seeds=1, bounds=bounds)["thefts"]
    assert found["fifo"]["reached"] == 0
    assert found["fifo"]["ended_by_hops_fen"] > 0
    assert found["poison"]["marked_share_of_reached"] is None


def test_the_command_prints_what_it_found(file: Path) -> None:
    command = [sys.executable, "-m", "tests.tools.bench.tracing", str(file), "--thefts", "1", "--seeds", "1"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(printed)
    assert found["conservation"] == "each trace passed its own check"
    assert found["thefts"]["pro_rata"]["thefts"] == 1


def test_planted_graphs_and_many_lots_are_measured() -> None:
    rules = of_graphs(3)["latest_first"]["rules"]
    assert 0 < rules["lifo"]["placed"] <= rules["lifo"]["fen"]
    assert of_lots(200)["fifo"]["carried_parts"] <= 20 + 200 + 3 * 200
