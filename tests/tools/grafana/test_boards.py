"""The boards as they are provisioned: in step with the code, in two languages, of metrics that there are."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana.names import VOCABULARY, both, gazetteer
from deploy.grafana.written import written
from tests.tools.grafana.queries import asked, boards, panels

DEPLOY = Path(__file__).parents[3] / "deploy"
EVERY = [(name, panel) for name, board in boards().items() for panel in panels(board)]
NAMES = [f"{name}: {panel['title']}" for name, panel in EVERY]


def test_what_lies_beside_the_code_is_what_the_code_makes() -> None:
    for path, text in written().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python -m deploy.grafana"
    assert {path.stem for path in (DEPLOY / "grafana" / "dashboards").iterdir()} == {*boards()}


def test_there_are_four_boards_each_with_its_variables_and_annotations() -> None:
    assert {*boards()} == {"command", "flow", "channels", "platform"}
    variables = {name for board in boards().values() for name in _variables(board)}
    assert variables == {"console", "prefecture", "level", "channel", "source"}
    for board in boards().values():
        told = [each["name"] for each in board["annotations"]["list"]]
        assert told == ["策略变更 Policy changes", "演练 Drills"]


@pytest.mark.parametrize("name", sorted(boards()))
def test_every_variable_of_a_board_is_used_in_it(name: str) -> None:
    board = boards()[name]
    text = "".join(each.expr for each in asked() if each.board == name)
    for variable in _variables(board) - {"console"}:
        assert f"${variable}" in text, variable


@pytest.mark.parametrize(("name", "panel"), EVERY, ids=NAMES)
def test_every_panel_has_a_title_and_words_in_chinese_and_english_and_the_one_source(
    name: str, panel: dict[str, Any]
) -> None:
    assert re.search(r"[一-鿿]", panel["description"])
    assert re.search(r"[A-Za-z]{2}", panel["description"])
    assert re.search(r"[一-鿿]", panel["title"])
    assert re.search(r"[A-Za-z]{2}", panel["title"])
    assert {target["datasource"]["uid"] for target in panel["targets"]} == {"quanzu-prometheus"}


def test_titles_of_a_board_differ() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_the_figures_of_cases_lead_to_the_consoles_list_of_them() -> None:
    links = {
        link["url"]
        for _, panel in EVERY
        for link in panel.get("fieldConfig", {}).get("defaults", {}).get("links", ())
        if "url" in link
    }
    assert "${console}/queue?level=${__field.labels.level}" in links
    assert all(link.startswith("${console}/queue") for link in links)


def test_grafana_finds_the_source_and_the_boards_where_they_are_provisioned() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text(encoding="utf-8"))
    assert [each["uid"] for each in source["datasources"]] == ["quanzu-prometheus"]
    provider = yaml.safe_load((provisioning / "dashboards" / "quanzu.yaml").read_text(encoding="utf-8"))
    assert [each["type"] for each in provider["providers"]] == ["file"]


def test_the_map_knows_where_every_prefecture_is_and_what_it_is_called() -> None:
    assert {place["key"] for place in gazetteer()} == {*VOCABULARY["prefecture"]}
    assert both("2224") == "延边朝鲜族自治州 Yanbian Korean Autonomous Prefecture"


def _variables(board: dict[str, Any]) -> set[str]:
    return {each["name"] for each in board["templating"]["list"]}
