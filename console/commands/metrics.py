"""`quanzu metrics`: serve the installation's metrics to Prometheus."""

import asyncio

import typer

from console.commands.common import load_settings, opened, out

app = typer.Typer(name="metrics", no_args_is_help=True, help="The installation's metrics, for Prometheus.")


@app.command("serve")
def metrics_serve() -> None:
    """Serve metrics of the store and the servers to Prometheus: one process per installation, beside the workers."""
    from streams.monitoring.exporter.exporter import exporting
    from streams.runtime.serving import told_to_stop
    from streams.security.rights import Component

    async def run() -> None:
        async with (
            opened(Component.EXPORTER) as line,
            exporting(line.exporter, load_settings().exporter_port) as address,
        ):
            out.print(address, highlight=False)
            await told_to_stop()

    asyncio.run(run())
