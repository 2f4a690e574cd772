"""The commands `quanzu audit …`: verify the audit log, print its heads and entries, export and check a case bundle."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.common import (
    By,
    Existing,
    Reason,
    err,
    load_settings,
    moment,
    open_installation,
    out,
    refuse_existing,
    write_new,
)

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.administration.audit import Head
    from streams.runtime.settings import Settings

app = typer.Typer(
    name="audit", no_args_is_help=True, help="The audit log: who read and did what, and whether it is complete."
)

Anchors = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Heads that were stored before: a file of `quanzu audit heads`"),
]
OTHER_KEY = 2  # exit code: only the bundle's own installation can check its seal


@app.command("verify")
def audit_verify(anchors: Anchors = None) -> None:
    """Verify every line of the audit log: no line may be changed, dropped, inserted or moved.

    Prints the faults and exits with 1 if one is found.
    """
    from streams.security.audit_chains import Heads
    from streams.security.audit_log import remember, verified

    kept = _anchors(anchors) if anchors else []

    async def run() -> None:
        async with open_installation() as line:
            found = await verified(line.settings, Heads(line.redis), kept)
            await remember(line.redis, found, line.clock.now(), "quanzu audit verify")
        told = f"{found.lines - found.before:,} lines in {found.chains:,} chains, {found.heads:,} heads compared"
        rest = [f"{found.before:,} older lines lie before the first chained one"] if found.before else []
        rest += [f"{found.repeats:,} lines stand there twice: sent again by their writer"] if found.repeats else []
        out.print("; ".join([told, *rest]), markup=False, highlight=False, soft_wrap=True)
        for number, fault in enumerate(found.faults):
            words = f"{'the first wrong line: ' if number == 0 else '  and: '}{fault.words}"
            err.print(words, style="red" if number == 0 else None, markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1 if found.faults else 0)

    asyncio.run(run())


@app.command("heads")
def audit_heads() -> None:
    """Print the head of every chain, which names its last line, as signed JSON lines.

    Keep them where the operators of Quanzu cannot change them.
    """
    from streams.security.audit_chains import Heads
    from streams.security.head_files import signed_now

    async def run() -> None:
        async with open_installation() as line:
            typer.echo((await signed_now(line.settings, Heads(line.redis), line.clock.now())).decode(), nl=False)

    asyncio.run(run())


@app.command("public-key")
def audit_public_key() -> None:
    """Print the public key that verifies the signatures of `quanzu audit heads`, as PEM.

    Give it to whoever keeps the heads.
    """
    from domain.access.key_rings import KeyPurpose
    from domain.access.signatures import pem, public_key
    from streams.security.installation_keys import ring

    typer.echo(pem(public_key(ring(_settings(), KeyPurpose.AUDIT_HEADS).current)), nl=False)


@app.command("show")
def audit_show(
    by: Annotated[str, typer.Option(help="Acts of this person, or of this part of Quanzu")] = "",
    act: Annotated[str, typer.Option(help="An act, or its beginning: look-, letter-")] = "",
    on: Annotated[str, typer.Option(help="Acts on this: a case, a letter, a policy")] = "",
    since: Annotated[str | None, typer.Option(help="Since: 2h (ago), 2026-03-01 or 2026-03-01T11:12")] = None,
    most: Annotated[int, typer.Option(min=1, help="How many, the newest first")] = 20,
    before: Annotated[int | None, typer.Option(help="The next page: the number printed by the previous page")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON lines, for scripts")] = False,
) -> None:
    """Show the newest lines of the audit log that match."""
    from console.audit import listing
    from streams.runtime.clock import Clock
    from streams.runtime.server_discovery import reachable
    from streams.security.audit_log import Wanted, newest

    settings = reachable(load_settings())
    from_: datetime | None = moment(since, Clock.parse(settings.clock).now()) if since else None
    found = asyncio.run(newest(settings, Wanted(by, act, on, from_), most, before))
    if as_json:
        for told in found.lines:
            typer.echo(told.entry.model_dump_json())
        return
    out.print(listing(found.lines))
    if found.before is not None:
        out.print(f"the ones before: --before {found.before}", markup=False, highlight=False)


@app.command("export")
def audit_export(
    case_id: str,
    by: By,
    reason: Reason,
    file: Annotated[Path, typer.Option("--out", dir_okay=False, help="The new zip; it holds personal data")],
) -> None:
    """Export one case as a zip with a manifest: its state, journal, inputs, policies and audit.

    Refused with exit code 1 if no case has the id, the file exists, or a policy of the case is not stored.
    """
    from domain.ids import resident_of
    from schemas.administration.audit import AuditEntry
    from schemas.errors import UserError
    from streams.messaging.topics import home
    from streams.operations import bundles
    from streams.security import audit

    async def run() -> None:
        async with open_installation() as line:
            case = await line.store.case(home(resident_of(case_id), line.settings.partitions), case_id)
            if case is None:
                raise UserError(f"there is no case {case_id!r}; `quanzu case list` has them")
            entry = AuditEntry(at=line.clock.now(), by=by, act="look-export", on=case.id, reason=reason)
            await audit.write(line.producer, [entry])
            raw = await bundles.case_bundle(line, case, by, reason)
        write_new(file, raw)
        out.print(f"{file}: {len(raw):,} bytes", markup=False, highlight=False)

    refuse_existing(file)
    asyncio.run(run())


@app.command("check-bundle")
def audit_check_bundle(file: Existing) -> None:
    """Check whether a bundle is complete and made by this installation. Exits with 1 if not, 2 if another made it.

    With 2, its files match its manifest, but only the other installation can check its seal.
    """
    from domain.access.bundle import check
    from domain.access.key_rings import KeyPurpose
    from streams.security.installation_keys import ring

    found = check(file.read_bytes(), ring(load_settings(), KeyPurpose.AUDIT))
    for fault in found.faults:
        err.print(fault, style="red", markup=False, highlight=False, soft_wrap=True)
    if found.manifest is not None:
        made = found.manifest
        when = f"{made.at:%Y-%m-%d %H:%M} UTC"
        told = f"case {made.case}, version {made.version}, taken out {when} by {made.by}: {made.reason}"
        out.print(told, markup=False, highlight=False, soft_wrap=True)
    if not found.decided:
        err.print("its files fit its manifest; it was made under another key, so its seal cannot be checked here")
    elif not found.faults:
        out.print("the bundle is whole, and its seal is this installation's")
    raise typer.Exit(1 if found.faults else 0 if found.decided else OTHER_KEY)


def _anchors(file: Path) -> "list[Head]":
    from domain.access.key_rings import KeyPurpose
    from domain.access.signed_heads import SignedHeadsError, heads_of
    from streams.security.installation_keys import ring

    try:
        return heads_of(file.read_bytes(), ring(_settings(), KeyPurpose.AUDIT_HEADS))
    except SignedHeadsError as error:
        raise SignedHeadsError(f"{file}: {error}. Give a file as `quanzu audit heads` prints it") from None


def _settings() -> "Settings":
    from streams.runtime.server_discovery import reachable

    return reachable(load_settings())
