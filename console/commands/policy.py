"""The commands `quanzu policy …`: check and publish a policy, show its state, count contacts by channel, confirm
held-back cases.
"""

import asyncio
from datetime import timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from console.commands.common import By, Existing, Reason, open_installation, out, refuse_existing, write_new

if TYPE_CHECKING:
    from domain.policy.channels.order import ChannelOrder

app = typer.Typer(name="policy", no_args_is_help=True, help="Policies: check, publish, and see which is in force.")

SHOWN = 20  # waiting cases listed


@app.command("check")
def policy_check(file: Existing) -> None:
    """Check whether a policy is valid. Prints the policy's hash, or all faults and exits with 1."""
    from domain.policy import load
    from streams.repositories.policies import read

    out.print(f"policy {load(read(file)).hash}: good")


@app.command("publish")
def policy_publish(
    file: Existing,
    by: By,
    override: Annotated[str, typer.Option(help="Why a policy that the breaker stopped is put in force again")] = "",
    approved_by: Annotated[str, typer.Option(help="The second person, for new experiments or counts")] = "",
) -> None:
    """Put a policy in force in all partitions, without a restart.

    Refused with exit code 1 if it is invalid, if the breaker stopped it (it opened too many cases) and --override gives
    no reason, or if it starts an experiment, or has new counts of contacts, that no second person approves.
    """
    from streams.operations.rules import publish
    from streams.repositories.policies import read

    others = [approved_by] if approved_by else []

    async def run() -> None:
        async with open_installation() as line:
            out.print(f"policy {await publish(line, read(file), by, override, others)} is in force from now on")

    asyncio.run(run())


@app.command("status")
def policy_status() -> None:
    """Show the policy in force, the fallback, and the policies that the breaker stopped for too many cases."""
    from domain.policy.trial import on_trial
    from domain.wording.codes import in_language
    from streams.operations.rules import raised_by, standing

    async def run() -> None:
        async with open_installation() as line:
            stands, now = await standing(line), line.clock.now()
            rules = (await line.policies.get(stands.good)).breaker
            stopped = {name: stop for name, stop in stands.stopped.items() if stop.until > now}
            waiting = {name: await raised_by(line, name) for name in stopped}
        words = in_language("en").sentence
        lines = [f"policy {stands.policy} is in force since {stands.since:%Y-%m-%d %H:%M} UTC, by {stands.by}"]
        if rules is None:
            lines.append(f"  no policy is judged: {stands.good}, the last good one, has no [breaker]")
        elif on_trial(stands, rules, now):
            lines.append(
                f"  on trial until {stands.since + rules.trial:%Y-%m-%d %H:%M} UTC; a flood, and {stands.good} is back"
            )
        for policy, stop in stands.stopped.items():
            lines.append(f"policy {policy} was stopped at {stop.at:%Y-%m-%d %H:%M} UTC: {words(stop.reason)}")
            if policy in stopped:
                cases = waiting[policy]
                lines.append(
                    f"  {len(cases)} cases below red wait until {stop.until:%Y-%m-%d %H:%M} UTC; look at them:"
                )
                lines.append(f"  {', '.join(cases[:SHOWN])}{', ...' if len(cases) > SHOWN else ''}")
                lines.append("  `quanzu policy confirm CASE...` lets those go that are real,")
                lines.append(
                    f"  `quanzu hold lift {stop.hold}` lets all go; with --drop those nobody has taken up are closed"
                )
        out.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)

    asyncio.run(run())


@app.command("channels")
def policy_channels(
    days: Annotated[int, typer.Option(min=7, max=366, help="Count the last days, up to yesterday")] = 90,
    write: Annotated[Path | None, typer.Option(help="Write the policy with the counts to this file")] = None,
) -> None:
    """Show how often the SMS and the automated call reach residents, by kind of person and part of the week.

    Reads the whole journal. Changes nothing: --write makes a policy that two persons may put in force. Where the counts
    show that the automated call is better, its time and that of the SMS change places.
    """
    from domain.policy.channels.proposal import proposed_order, with_channel_order
    from domain.statistics.contact_counts import enough
    from streams.monitoring.contact_counts import read_contacts

    if write is not None:
        refuse_existing(write)

    async def run() -> None:
        async with open_installation() as line:
            policy = await line.policies.live()
            history = await read_contacts(line.settings, policy.plan)
            last = line.clock.now().astimezone(timezone(policy.plan.utc)).date() - timedelta(days=1)
            first = last - timedelta(days=days - 1)
            tallies = history.tallies(first, last)
            order = proposed_order(enough(tallies), first, last, policy.channel_order)
            text = with_channel_order(await line.policies.text(policy.hash), order) if write else ""
        _show_channels(order, len(tallies))
        if write is not None:
            write_new(write, text.encode())

    asyncio.run(run())


def _show_channels(order: "ChannelOrder", groups: int) -> None:
    from domain.casework.ordering.channels import is_better
    from domain.policy.channels.order import LEAST_TRIES
    from domain.statistics.shares import share_of
    from schemas.levels import Action

    table = Table("age", "language", "place", "part of the week", "reached by SMS", "reached by call", "better")
    for each in order.groups:
        shares = [share_of(count.reached, count.tries) for count in (each.sms, each.robot_call)]
        cells = [f"{share.k:,} of {share.n:,} ({share.low:.0%} to {share.high:.0%})" for share in shares]
        call = is_better(Action.ROBOT_CALL, Action.SMS, each, order)
        sms = is_better(Action.SMS, Action.ROBOT_CALL, each, order)
        table.add_row(*(part.value for part in each.group), *cells, "call" if call else "SMS" if sms else "not known")
    out.print(table)
    few = groups - len(order.groups)
    out.print(f"{few} groups had fewer than {LEAST_TRIES} contacts by a channel: the plan's order stands", markup=False)
    worth = f"SMS {order.worth.sms:g}, call {order.worth.robot_call:g}"
    out.print(f"worth of a resident reached: {worth}; {order.keeps:.0%} of cases keep the plan's order", markup=False)


@app.command("confirm")
def policy_confirm(cases: list[str], by: By, reason: Reason) -> None:
    """Confirm cases of a stopped policy as real: the contacts that were held back for them are sent.

    It stops at the first case that does not exist; the cases before it are confirmed.
    """
    from streams.operations.rules import confirm

    async def run() -> None:
        async with open_installation() as line:
            for case in cases:
                await confirm(line, case, by, reason)
        out.print(f"{len(cases)} cases are confirmed: what was held back of them goes out", markup=False)

    asyncio.run(run())
