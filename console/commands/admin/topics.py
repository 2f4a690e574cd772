"""`quanzu admin topics`: create and check Kafka's topics, and set their retention."""

import asyncio

import typer

from console.commands.common import load_settings, open_installation, out

app = typer.Typer(name="topics", no_args_is_help=True, help="Kafka's topics: create, check, set retention.")


@app.command("create")
def topics_create() -> None:
    """Create the topics that are missing. Existing ones stay as they are."""
    from streams.messaging import topics
    from streams.runtime.server_discovery import reachable

    made = topics.create(reachable(load_settings()))
    out.print(f"created: {', '.join(made)}" if made else "all topics are there")


@app.command("check")
def topics_check() -> None:
    """Report faults of the topics and of the brokers' settings, and what to do.

    Ends with 1 if a fault is found; a warning is not a fault.
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
