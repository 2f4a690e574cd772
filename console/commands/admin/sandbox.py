"""`quanzu admin sandbox`: a test intake for the developers of a feed, before it is admitted."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from console.commands.common import err, load_settings, moment, open_installation, out

app = typer.Typer(name="sandbox", no_args_is_help=True, help="For a feed's developers: a test intake, and checks.")

Source = Annotated[str, typer.Option(help="The source of the signals, as it will be in production")]
KeyFile = Annotated[Path, typer.Option("--key-file", exists=True, dir_okay=False, help="The file that holds the key")]
KEY = "sandbox.key"


@app.command("serve")
def sandbox_serve(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="The folder for the servers' data and the key")],
    source: Source = "bank",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8080,
) -> None:
    """Serve an intake for one source on separate servers until stopped; its signals warn nobody.

    Its watchlist has invented suspects, for payee checks.
    """
    import secrets

    from console.commands.running import serve_intake
    from streams.installation import Installation
    from streams.intake.conformance import list_suspects
    from streams.intake.settings import entry_of
    from streams.intake.settings import load as load_intake
    from streams.runtime.settings import secret_file

    folder.mkdir(parents=True, exist_ok=True)
    alone = {"data": folder, "kafka": None, "redis": None, "embedded": True, "http_port": port}
    settings = load_settings().model_copy(update=alone)
    key = secret_file(folder / KEY, secrets.token_urlsafe(32))
    given = {"api_keys": entry_of(source, key), "intake_client_ca": None, "payee_checks": source}

    def started(address: str) -> None:
        out.print(f"{address}/signals", highlight=False)
        out.print(f"key of {source}: {folder / KEY}", markup=False, highlight=False, soft_wrap=True)

    async def prepare(line: Installation) -> None:
        await list_suspects(line.redis, line.settings, line.clock.now())

    asyncio.run(serve_intake(settings, started, load_intake().model_copy(update=given), prepare))


@app.command("files")
def sandbox_files(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="A new folder")], source: Source = "bank"
) -> None:
    """Write the conformance set: the body of each test request, and in list.json its headers and the expected answer.

    Exits with 1 if the folder exists.
    """
    from datetime import UTC, datetime

    from streams.intake.conformance import exchange_json, exchanges

    if folder.exists():
        err.print(f"{folder} is there already: name a new folder", markup=False)
        raise typer.Exit(1)
    folder.mkdir(parents=True)
    found = exchanges(source, datetime.now(UTC))
    for exchange in found:
        (folder / exchange.name).write_bytes(exchange.body)
    listed = json.dumps([exchange_json(exchange, source) for exchange in found], indent=2, ensure_ascii=False)
    (folder / "list.json").write_text(listed + "\n", "utf-8")
    out.print(f"{len(found)} requests and list.json in {folder}", markup=False)


@app.command("check")
def sandbox_check(
    address: Annotated[str, typer.Argument(help="The intake's address: http://127.0.0.1:8080")],
    key: KeyFile,
    source: Source = "bank",
) -> None:
    """Send the conformance set and compare the answers. Exits with 1 if an answer differs or the intake
    does not answer.
    """
    from datetime import UTC, datetime

    import httpx

    from streams.intake.conformance import exchanges, send

    word, wrong = key.read_text().strip(), 0
    found = exchanges(source, datetime.now(UTC))
    with httpx.Client(base_url=address, timeout=30) as client:
        for exchange in found:
            try:
                got = send(client, exchange, word)
            except httpx.HTTPError as error:
                err.print(f"{address}: {type(error).__name__}. Is the intake running there?", markup=False)
                raise typer.Exit(1) from None
            good = got == exchange.answer()
            wrong += not good
            typer.echo(f"{'as expected' if good else 'OTHERWISE  '}  {exchange.name:<16} {exchange.why}")
            if not good:
                typer.echo(f"             answered {got}, expected {exchange.answer()}")
    out.print(f"{len(found) - wrong} of {len(found)} as expected", highlight=False)
    raise typer.Exit(1 if wrong else 0)


@app.command("received")
def sandbox_received(
    source: Source = "bank",
    since: Annotated[str, typer.Option("--from", help="2h (ago), 2026-03-01 or 2026-03-01T11:12")] = "1d",
    until: Annotated[str | None, typer.Option("--to", help="Before this time, in the same format. Unset: now")] = None,
) -> None:
    """Print the signals of a source that Kafka has from a time span, one on each line, to compare with what was sent.

    The span is of arrival, its end excluded. Run it with the sandbox's folder as QUANZU_DATA, or in production as an
    operator. It prints ids and times, no personal data.
    """
    from streams.intake.conformance import received

    async def run() -> None:
        async with open_installation() as line:
            now = line.clock.now()
            span = moment(since, now), moment(until, now) if until else now
            async for told in received(line.settings, source, *span):
                typer.echo(json.dumps(told))

    asyncio.run(run())
