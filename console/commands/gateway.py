"""`quanzu gateway`: the programs between Quanzu and the carriers' networks. `voice` is in gateway_voice.py."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.common import out

if TYPE_CHECKING:
    from domain.carriers.account import GatewayFile

app = typer.Typer(name="gateway", no_args_is_help=True, help="Gateways to the carriers' networks.")


@app.callback()
def gateways() -> None:
    """Gateways to the carriers' networks: each takes Quanzu's orders over HTTP and reports with signed receipts."""


@app.command("sms")
def gateway_sms(
    config: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The gateway's configuration, a TOML file")],
    check: Annotated[
        bool, typer.Option("--check", help="Show the resulting configuration, without connecting to anything")
    ] = False,
) -> None:
    """Send text messages to carriers over SMPP 3.4 or CMPP, and report receipts and replies to Quanzu. Runs until
    stopped.

    Refused with exit code 1 if the configuration, or a file that it names, cannot be used.
    """
    from streams.gateways.sms.running import configured, gateway
    from streams.runtime import logs
    from streams.runtime.serving import stop_signal

    file = configured(config)
    if check:
        _show(file)
        return
    logs.begin("INFO", "text")

    async def run() -> None:
        async with gateway(file) as address:
            out.print(address, highlight=False)
            await stop_signal()

    asyncio.run(run())


def _show(file: "GatewayFile") -> None:
    """Print where the gateway listens and reports, and each carrier with its ranges, the cheapest first."""
    scheme = "https" if file.certificate else "http"
    lines = [
        f"orders    {scheme}://{file.listen_host}:{file.listen_port}/sms",
        f"receipts  {file.receipts}",
        f"journal   {file.data}",
        f"limits    {file.most_segments} segments, {file.most_waiting} messages waiting, {file.expire_seconds:g} s",
    ]
    for each in sorted(file.carrier, key=lambda each: (each.price_fen, each.name)):
        way = "TLS" if each.tls else "no TLS"
        ranges = ", ".join(each.prefixes) or "all numbers"
        lines.append(
            f"carrier   {each.name}: {each.host}:{each.port} ({each.protocol}, {way}) as {each.system_id}, "
            f"from {each.sender}; {ranges}; {each.price_fen:g} fen, {each.rate:g} segments a second, "
            f"window {each.window}"
        )
    out.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
