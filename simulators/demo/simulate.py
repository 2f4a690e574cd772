"""Writes a province to files: its residents, the feeds' signals, and the truth. Needs no server."""

import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from simulators.assumptions.pace import COMPRESSED, Pace
from simulators.population.people import line
from simulators.world.province import RESIDENTS, START, Province

_STEP = timedelta(minutes=10)


def simulate(
    seed: int, hours: float, out: Path, residents: int = RESIDENTS, pace: Pace = COMPRESSED
) -> dict[str, object]:
    """Simulate a province for `hours` hours of its own time, in which nobody is warned.

    Writes residents.jsonl, signals.jsonl (in the order in which the feeds send them) and truth.json to the folder
    `out`, which is created if missing. Returns the key `signals`, the number of signals by kind, and all figures of
    Truth.summary except `stories`. Raises OSError if a file cannot be written.
    """
    province = Province(seed, residents, START, pace)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "residents.jsonl").open("w", encoding="utf-8") as people:
        people.writelines(f"{line(resident)}\n" for resident in province.people)
    end = START + timedelta(hours=hours)
    by_kind = _signals(province, end, out / "signals.jsonl")
    truth = province.truth.summary(end)
    (out / "truth.json").write_text(json.dumps(truth, indent=1, ensure_ascii=False), "utf-8")
    return {"signals": dict(by_kind), **{name: value for name, value in truth.items() if name != "stories"}}


def _signals(province: Province, end: datetime, path: Path) -> Counter[str]:
    by_kind: Counter[str] = Counter()
    now = START
    with path.open("w", encoding="utf-8") as lines:
        while now < end:
            now = min(now + _STEP, end)
            for signal in province.signals_until(now):
                by_kind[signal.kind] += 1
                lines.write(f"{signal.model_dump_json(exclude_none=True)}\n")
    return by_kind
