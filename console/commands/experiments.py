"""The commands `quanzu experiments …`: what a plan needs, what runs, what was found, and the stop of an experiment.

An experiment is registered and started by a policy that has its plan (`quanzu policy publish`, or a draft on the
console), because decisions depend on the policy in force alone.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from console.commands.common import By, Existing, Reason, open_installation, out

if TYPE_CHECKING:
    from domain.policy.experiments.plan import ExperimentPlan
    from schemas.administration.experiments import ExperimentReading

app = typer.Typer(
    name="experiments", no_args_is_help=True, help="Randomised experiments: what runs, and what their outcomes show."
)

Name = Annotated[str, typer.Argument(help="The experiment's name in the policy")]


@app.command("check")
def experiments_check(file: Existing) -> None:
    """Check the experiments in a policy file, and show how many units and days each needs. Starts nothing."""
    from domain.policy import load
    from streams.repositories.policies import read

    policy = load(read(file))
    for name, plan in policy.experiments.items():
        short = "; too short for this with its weights" if plan.underpowered else ""
        out.print(f"{name}: {_needs(plan)}{short}", markup=False, highlight=False)
    out.print(f"policy {policy.hash}: good, experiments: {len(policy.experiments)}", markup=False, highlight=False)


@app.command("list")
def experiments_list() -> None:
    """Show the experiments of the policy in force, with the latest stored result of each arm."""
    from streams.casework.experiment_watch import stored_readings

    async def run() -> None:
        async with open_installation() as line:
            policy, now = await line.policies.live(), line.clock.now()
            readings = await stored_readings(line.redis)
        table = Table("experiment", "from", "to", "state", "arm", "finding", "units")
        for name, plan in policy.experiments.items():
            state = "stopped" if plan.stopped else "running" if plan.runs_at(now) else "not running"
            reading = readings.get(name)
            for each in reading.contrasts if reading else ():
                table.add_row(
                    name, f"{plan.starts:%Y-%m-%d}", f"{plan.ends:%Y-%m-%d}", state, each.arm, each.finding.value,
                    str(each.units),
                )  # fmt: skip
            if reading is None:
                table.add_row(name, f"{plan.starts:%Y-%m-%d}", f"{plan.ends:%Y-%m-%d}", state, "–", "not read yet", "0")
        out.print(table)

    asyncio.run(run())


@app.command("show")
def experiments_show(name: Name) -> None:
    """Evaluate the experiments of the policy in force now, and show one: its arms, their differences from the control,
    missing outcomes.

    The results are stored, and an experiment in which an arm does harm is stopped.
    """
    from streams.casework.experiment_watch import ExperimentWatch

    async def run() -> None:
        async with open_installation() as line:
            plan = (await line.policies.live()).experiments.get(name)
            if plan is None:
                raise typer.BadParameter(f"the policy in force has no experiment {name!r}")
            watch = ExperimentWatch(line.settings, line.redis, line.producer, line.policies, line.clock)
            found = next((each for each in await watch.read() if each.name == name), None)
        out.print(f"{plan.question}\n{_needs(plan)}", markup=False, highlight=False)
        if found is None:
            out.print("no reading: it has not started, or its last outcome was complete long ago")
        else:
            _show(found)

    asyncio.run(run())


@app.command("stop")
def experiments_stop(name: Name, by: By, reason: Reason) -> None:
    """Stop an experiment at once: nobody is assigned any more, and no arm has an effect. It cannot go on later.

    Puts in force a policy in which only the stop is added. One person may do it.
    """
    from schemas.administration.audit import AuditEntry
    from streams.operations.rules import stop_experiment
    from streams.security import audit

    async def run() -> None:
        async with open_installation() as line:
            digest = await stop_experiment(line, name, by, reason)
            entry = AuditEntry(
                at=line.clock.now(), by=by, act="experiment-stopped", on=name, reason=reason, detail=digest
            )
            await audit.write(line.producer, [entry])
        out.print(f"experiment {name} is stopped; policy {digest} is in force", markup=False, highlight=False)

    asyncio.run(run())


def _needs(plan: "ExperimentPlan") -> str:
    needed = plan.needed()
    return (
        f"{needed.units:,} units, {needed.days:.0f} days at {plan.assumed.units_per_day:g} a day, to find "
        f"{plan.minimal_effect:.1%} with probability {plan.power:.0%}; usually found after {needed.usual_units:,} units"
    )


def _show(found: "ExperimentReading") -> None:
    arms = Table("arm", "assigned", "complete", "missing", "mean", "next weight")
    for arm in found.arms:
        mean = "–" if arm.mean is None else f"{arm.mean:.2%}"
        missing = f"{arm.missing} ({arm.unstated} without a sum)" if arm.unstated else arm.missing
        row = (arm.assigned, arm.complete, missing)
        arms.add_row(arm.arm, *map(str, row), mean, f"{found.weights[arm.arm]:.3f}")
    out.print(arms)
    contrasts = Table("arm", "difference", "bounds", "if missing", "harm (e)", "finding")
    for each in found.contrasts:
        contrasts.add_row(
            each.arm,
            "–" if each.estimate is None else f"{each.estimate:+.2%}",
            f"{each.low:+.2%} to {each.high:+.2%}",
            "–" if each.lowest is None or each.highest is None else f"{each.lowest:+.2%} to {each.highest:+.2%}",
            f"{each.harm:.1f}",
            each.finding.value,
        )
    out.print(contrasts)
