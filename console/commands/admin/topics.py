"""`quanzu admin topics`: create and check Kafka's topics, set their retention, and add partitions."""

import asyncio
from typing import Annotated

import typer

from console.commands.common import By, Reason, load_settings, open_installation, out

app = typer.Typer(name="topics", no_args_is_help=True, help="Kafka's topics: create, check, set retention, grow.")


@app.command("create")
def topics_create() -> None:
    """Create the topics that are missing. Existing ones stay as they are."""
    from streams.messaging import topics
    from streams.messaging.partition_count import check_count
    from streams.runtime.server_discovery import reachable

    settings = reachable(load_settings())
    check_count(settings)
    made = topics.create(settings)
    out.print(f"created: {', '.join(made)}" if made else "all topics are there")


@app.command("check")
def topics_check() -> None:
    """Report faults of the topics and of the brokers' settings, and what to do.

    Exits with 1 if a fault is found; a warning is not a fault.
    """
    from streams.messaging import broker_settings, topics
    from streams.runtime.server_discovery import reachable

    settings = reachable(load_settings())
    of_brokers = broker_settings.check(settings)
    wrong = [*topics.check(settings), *(str(each) for each in of_brokers)]
    out.print("\n".join(wrong) or "all topics are as they must be", markup=False, soft_wrap=True)
    raise typer.Exit(0 if len(wrong) == sum(each.warns for each in of_brokers) else 1)


@app.command("retain")
def topics_retain() -> None:
    """Set each topic's retention to the policy in force ([retention], [risk] keep)."""
    from streams.messaging.retention import retain

    async def run() -> None:
        async with open_installation() as line:
            policy = await line.policies.live()
            changed = await asyncio.to_thread(retain, line.settings, policy.retention, policy.risk.keep)
        for name, words in changed.items():
            out.print(f"{name}: was kept {words}", highlight=False)
        if not changed:
            out.print("all topics keep what the policy says")

    asyncio.run(run())


@app.command("grow")
def topics_grow(
    partitions: Annotated[int, typer.Argument(help="Number of partitions afterwards; more than now", min=1)],
    by: By,
    reason: Reason,
    abort: Annotated[
        bool, typer.Option("--abort", help="Take back a growth whose topics are not made anew yet")
    ] = False,
) -> None:
    """Give a drained and stopped installation more partitions. Cases, journal, evidence and deadlines stay the same.

    Run `quanzu admin drain` first, then stop all processes. If the command is interrupted, run it again: it continues.
    Afterwards set QUANZU_PARTITIONS for every process, start them, and end the drain.
    """
    from streams.operations.growth import running
    from streams.runtime.server_discovery import reachable

    settings = reachable(load_settings())
    if abort:
        taken_back = asyncio.run(running.abort_growth(settings, by, reason))
        out.print("the growth was taken back" if taken_back else "no growth is under way")
        return
    done = asyncio.run(
        running.grow_partitions(settings, partitions, by, reason, lambda text: out.print(text, soft_wrap=True))
    )
    if done.old is None:
        out.print(f"the installation has {done.new} partitions already", highlight=False)
        return
    out.print(
        f"Set QUANZU_PARTITIONS={done.new} for every process and start the workers, which fill Redis anew. Then start "
        "the others, and run `quanzu admin drain --end`",
        markup=False,
        soft_wrap=True,
    )
