"""`quanzu metrics`."""

import asyncio

import typer

from console.commands.common import load_settings, opened, out

app = typer.Typer(name="metrics", no_args_is_help=True, help="The installation's metrics, for Prometheus.")


@app.command("serve")
def metrics_serve() -> None:
    """Tell Prometheus what stands in the store and the servers: one process for an installation, beside the workers."""
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
