"""The command line: joins all commands. `quanzu COMMAND --help` shows the options of each.

The work is done in the packages, which are imported when a command runs, so that `--help` is fast.
"""

import sys
from typing import TYPE_CHECKING

import typer

import simulators.lab_commands
from console.commands import (
    admin,
    audit,
    case,
    console,
    dead,
    doctor,
    experiments,
    gateway,
    gateway_voice,
    hold,
    intake,
    metrics,
    policy,
    report,
    residents,
)
from console.commands.common import err, load_settings
from simulators.demo.command import demo

if TYPE_CHECKING:
    from streams.casework.journal import Progress
    from streams.casework.steps import CaseworkContext

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Early-warning dispatch against fraud: 劝阻.")


def main() -> None:
    """Run the command line. A mistake that an operator can correct is shown as a sentence, not as a traceback.

    The process then ends with status 1. Any other error is raised.
    """
    try:
        app(prog_name="quanzu")
    except Exception as error:
        from console.commands.running import in_words

        words = in_words(error)
        if words is None:
            raise
        err.print(words, style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


def worker() -> None:
    """Run a worker: all agents, on its share of the partitions."""
    from agents.worker import serve

    serve(load_settings())


async def _rebuild_partition(
    context: "CaseworkContext", partition: int, progress: "Progress", *, new_log: bool
) -> None:
    from agents.casework import rebuild

    await rebuild(context, partition, progress, new_log=new_log)


for command in (demo, worker, intake.intake, doctor.doctor):
    app.command()(command)
for group in (
    *(console, metrics, case, policy, experiments, hold, residents, dead, audit, report),
    *(simulators.lab_commands, gateway),
):
    app.add_typer(group.app)
gateway.app.command("voice")(gateway_voice.voice)
app.add_typer(admin.make_app(_rebuild_partition))


if __name__ == "__main__":
    main()
