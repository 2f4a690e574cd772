"""Compiles streams/intake/formats/charging/schema.asn1 by pycrate: `python -m tests.tools.charging_asn1`."""

import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "streams/intake/formats/charging"
BEGIN = '''# fmt: off
# ruff: noqa
# mypy: ignore-errors
"""The fields of call records as objects of pycrate. Compiled from schema.asn1: python -m tests.tools.charging_asn1."""
'''
_COMPILE = """
import sys
from pycrate_asn1c.asnproc import PycrateGenerator, compile_text
compile_text(open(sys.argv[1], encoding="utf-8").read())
PycrateGenerator(sys.argv[2])
"""


def compiled() -> str:
    """The module's text. pycrate keeps what it compiled for the whole process, so another one does it."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "schema.py"
        command = [sys.executable, "-c", _COMPILE, str(FOLDER / "schema.asn1"), str(made)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        lines = made.read_text("utf-8").splitlines()
    return BEGIN + "\n".join(line.rstrip() for line in lines if not line.startswith("#")) + "\n"


if __name__ == "__main__":
    (FOLDER / "schema.py").write_text(compiled(), "utf-8")
