"""`quanzu metrics`: serve the installation's metrics to Prometheus."""

import asyncio

import typer

from console.commands.common import open_installation, out

app = typer.Typer(name="metrics", no_args_is_help=True, help="The installation's metrics, for Prometheus.")


@app.command("serve")
def metrics_serve() -> None:
    """Serve metrics of the store and the servers to Prometheus until stopped.

    Run one such process per installation, next to the workers.
    """
    from streams.monitoring.exporter.exporter import exporting
    from streams.runtime.serving import stop_signal
    from streams.security.rights import Component

    async def run() -> None:
        async with (
            open_installation(Component.EXPORTER) as line,
            exporting(line.exporter, line.settings.exporter_port) as address,
        ):
            out.print(address, highlight=False)
            await stop_signal()

    asyncio.run(run())
