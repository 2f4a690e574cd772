"""The options shared by the commands that simulate provinces."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands.common import Report, load_settings

if TYPE_CHECKING:
    from simulators.lab.setup import Setup

Against = Annotated[
    Path | None,
    typer.Option("--default", exists=True, dir_okay=False, show_default="QUANZU_POLICY", help="The policy in force"),
]
Days = Annotated[float, typer.Option(min=0.01, help="Duration in the province's time")]
Seeds = Annotated[int, typer.Option(min=1, help="Number of provinces, from which the intervals are computed")]
First = Annotated[int, typer.Option("--first-seed", help="The first seed; the others follow")]
Operators = Annotated[int, typer.Option(min=0, help="Operators, day and night")]
Officers = Annotated[int, typer.Option(min=0, help="Visits that can be made at once")]
Overload = Annotated[
    float, typer.Option(min=0.01, help="The load, as a multiple of the load that fills the operators' time")
]
Residents = Annotated[int | None, typer.Option(min=1, show_default="as many as the scams need")]
Compressed = Annotated[bool, typer.Option("--compressed", help="Compress each scam into an hour, as in the demo")]
Processes = Annotated[int, typer.Option(min=1, help="Processes that share the seeds")]


@dataclass(frozen=True, slots=True)
class Options:
    """The shared options. `default`: the policy file in force, None: QUANZU_POLICY; `days`: simulated time; `seeds`:
    number of provinces; `first_seed`: the first province's; `operators`, `officers`: numbers on duty; `overload`:
    multiple of the scams that fill the operators' time; `residents`: None: as many as the scams need; `compressed`:
    whole scams within an hour; `report`: the path of the JSON report, None: none; `processes`: number that share the
    seeds.
    """

    default: Against = None
    days: Days = 1
    seeds: Seeds = 20
    first_seed: First = 1
    operators: Operators = 1
    officers: Officers = 4
    overload: Overload = 1
    residents: Residents = None
    compressed: Compressed = False
    report: Report = None
    processes: Processes = 2

    @property
    def setup(self) -> "Setup":
        """Return the setup that these options describe; all contenders of a command share it."""
        from simulators.lab.setup import made_for

        length = timedelta(days=self.days)
        return made_for(
            self.operators, self.officers, length, self.overload, self.residents, compressed=self.compressed
        )

    @property
    def policy(self) -> str:
        """Read the policy in force and return its text (TOML). Raises PolicyError if it is invalid, and OSError if the
        file cannot be read.
        """
        return text(self.default or load_settings().policy)

    @property
    def wanted(self) -> range:
        """Return the seeds of the provinces: `seeds` consecutive numbers from `first_seed` on."""
        return range(self.first_seed, self.first_seed + self.seeds)


def text(path: Path) -> str:
    """Return the text (TOML) of a policy file after checking it. Raises PolicyError if it is not a valid policy, and
    OSError if it cannot be read.
    """
    from streams.repositories.policies import read

    return read(path)


def with_options(**usual: object) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that gives a command every field of `Options` as a command-line option. The command receives
    them together, as the argument `options`. `usual`: by field name, the defaults that differ from those of `Options`.
    """
    shared = [
        Parameter(each.name, Parameter.KEYWORD_ONLY, default=usual.get(each.name, each.default), annotation=each.type)
        for each in fields(Options)
    ]

    def given(command: Callable[..., None]) -> Callable[..., None]:
        own = [each for each in signature(command).parameters.values() if each.name != "options"]

        @wraps(command)
        def run(**told: Any) -> None:  # noqa: ANN401 - whatever the command line has
            options = Options(**{each.name: told.pop(each.name) for each in shared})
            command(**told, options=options)

        run.__signature__ = Signature([*own, *shared])  # type: ignore[attr-defined]  # which typer reads
        return run

    return given
