"""The planted month at a reduced size: `python -m tests.tools.planted_month` runs all of it."""

import ast
from pathlib import Path

from tests.tools.planted_month import plant
from tests.tools.planted_month.judge import judge
from tests.tools.planted_month.plant import DamageShares


def test_of_a_planted_month_98_percent_are_found_and_at_most_one_in_a_thousand_is_somebody_else() -> None:
    score = judge(plant.plant(people=20_000, records=4_000, seed=11))
    both = score.kinds["all"]
    assert both.records == 4_000
    assert 0.15 < score.kinds["no_id"].records / both.records < 0.25
    assert 0.07 < score.kinds["new_phone"].records / both.records < 0.13
    assert both.recall >= 0.98
    assert both.false_share <= 0.001
    assert score.kinds["misspelt"].recall >= 0.95
    assert score.kinds["none"].recall == 1
    assert score.kinds["stranger"].identifiable == 0 < score.kinds["stranger"].records
    assert score.passes


def test_a_month_without_id_numbers_is_left_to_telephones_and_accounts() -> None:
    score = judge(plant.plant(people=20_000, records=2_000, seed=12, shares=DamageShares(no_id=1)))
    assert score.outcomes["id_number"] == 0
    assert score.kinds["all"].recall >= 0.95
    assert score.kinds["all"].false_share <= 0.005


def test_the_month_imports_nothing_of_the_product() -> None:
    tree = ast.parse(Path(plant.__file__).read_text("utf-8"))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert names == {"random", "collections.abc", "dataclasses", "datetime"}
