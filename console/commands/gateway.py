"""`quanzu gateway`: the programs between Quanzu and the carriers' networks."""

import typer

app = typer.Typer(name="gateway", no_args_is_help=True, help="Gateways to the carriers' networks.")


@app.callback()
def gateways() -> None:
    """Gateways to the carriers' networks: each takes Quanzu's orders over HTTP and reports with signed receipts."""
