"""Jilin's policy with a plan that goes much faster, so that a schedule of some seconds sees several of its steps."""

import re
import tempfile
from functools import cache
from pathlib import Path

from streams.runtime.settings import POLICY

FASTER = 15
LEAST_SECONDS = 1
WEEK, AT_HOME = 'ask_after = "7d"', re.compile(r"(week_call = \{[^}]*), at_home = true")
OTHER_PROVINCE = "heilongjiang"
HANDOVER = f"""
[handover]
provinces = ["{OTHER_PROVINCE}"]
deadline = {{ red = "10s", orange = "10s", yellow = "12s", blue = "15s" }}
asks_for = "30s"
"""  # the shortest deadlines that a policy may have
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r'"(\d+)([smhd])"')


@cache
def quick_policy() -> Path:
    """The file of such a policy: what lies between [plan] and [fatigue] takes a fifteenth of its time.

    It hands cases over to one other province, and takes cases from it. The dissuaded are asked after 2 s, at any
    time of the day, and reminded after 3 s.
    """
    before, plan, after = _parts(POLICY.read_text("utf-8"))
    plan = AT_HOME.sub(r"\1", plan.replace(WEEK, f'ask_after = "{FASTER * 2}s"\nremind_after = "{FASTER * 3}s"'))
    made = Path(tempfile.mkdtemp(prefix="quanzu-simulation-")) / "quick.toml"
    made.write_text(before + _DURATION.sub(_faster, plan) + after + HANDOVER, encoding="utf-8")
    return made


def _parts(text: str) -> tuple[str, str, str]:
    begin, end = text.index("\n[plan]"), text.index("\n[fatigue]")
    return text[:begin], text[begin:end], text[end:]


def _faster(found: re.Match[str]) -> str:
    seconds = int(found[1]) * _SECONDS[found[2]]
    return f'"{max(LEAST_SECONDS, round(seconds / FASTER))}s"'
