"""The files that are made of the code: what lies beside it must be the same."""

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana import channels, command, flow, names, platform
from deploy.grafana.build import Board

HERE = Path(__file__).parent


def boards() -> dict[str, Board]:
    """Return the four boards by the name of their file, without its ending: command, flow, channels, platform."""
    every = (command.board(), flow.board(), channels.board(), platform.board())
    return {board.uid.removeprefix("quanzu-"): board for board in every}


def written() -> dict[Path, str]:
    """Return the text of every generated file (the dashboards and gazetteer.json) by its path. Nothing is written."""
    found = {HERE / "dashboards" / f"{name}.json": _text(board) for name, board in boards().items()}
    gazetteer = json.dumps(names.gazetteer(), indent=2, ensure_ascii=False)
    return {**found, HERE / "gazetteer.json": gazetteer + "\n"}


def _text(board: Board) -> str:
    return json.dumps(board.made.build(), cls=JSONEncoder, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
