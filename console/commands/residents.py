"""`quanzu residents`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from console.commands.common import By, Existing, Reason, err, opened, out, write_new

REFUSED_SHOWN = 20

app = typer.Typer(name="residents", no_args_is_help=True, help="The register of residents.")


@app.command("import")
def residents_import(file: Existing) -> None:
    """Take residents in from CSV or Parquet; a row that cannot be read is refused by line, column and reason."""
    from streams.repositories.residents.files import import_file
    from streams.runtime.cooperative import spare_the_collector

    async def run() -> None:
        async with opened() as line:
            spare_the_collector()  # looking through each chunk took a fifth of the time
            found = await import_file(file, line.residents, line.settings.id_number_keys(), at=line.clock.now())
        counts = {"rows": found.rows, "imported": found.imported, "unchanged": found.unchanged}
        out.print_json(data={**counts, "refused": len(found.refused)})
        for refusal in found.refused[:REFUSED_SHOWN]:
            err.print(str(refusal), markup=False, highlight=False, soft_wrap=True)
        if found.refused_file:
            err.print(f"refused rows, to be put right and imported: {found.refused_file}", markup=False, soft_wrap=True)

    asyncio.run(run())


@app.command("export")
def residents_export(file: Path) -> None:
    """Write all residents to CSV or Parquet."""
    from streams.repositories.residents.files import export_file

    async def run() -> None:
        async with opened() as line:
            out.print(f"{await export_file(file, line.residents)} residents in {file}", markup=False)

    asyncio.run(run())


@app.command("rehash")
def residents_rehash() -> None:
    """Put all ID numbers' hashes under the last key of QUANZU_ID_KEYS. Interrupted, run it again."""
    from streams.repositories.residents.rehash import rehash

    async def run() -> None:
        async with opened() as line:
            keys = line.settings.id_number_keys()
            count = await rehash(line.residents, keys)
        out.print(f"{count:,} hashes put under the key in force, the {len(keys.later)}. since QUANZU_SECRET")

    asyncio.run(run())


@app.command("held")
def residents_held(
    resident: str,
    by: By,
    reason: Reason,
    file: Annotated[Path, typer.Option("--out", dir_okay=False, help="A new zip: it tells of a person, keep it well")],
) -> None:
    """Take out all that is held on one person, from every topic: for who asks what is known of him or her."""
    from domain.identity.held import subject
    from schemas.audit import AuditEntry
    from schemas.errors import UserError
    from streams.operations.subject_access import held, packed
    from streams.security import audit

    async def run() -> None:
        async with opened() as line:
            entry = (await line.residents.get([resident])).get(resident)
            if entry is None:
                raise UserError(f"there is no resident {resident!r}: the console's search has the ids")
            now = line.clock.now()
            told = AuditEntry(at=now, by=by, act="look-held", on=resident, reason=reason)
            await audit.write(line.producer, [told])
            found = await held(line.settings, subject(entry, line.settings.key()))
        write_new(file, packed(found, {"resident": resident, "at": now, "by": by, "reason": reason}))
        out.print(f"{file}: {sum(map(len, found.values())):,} records of {len(found)} topics", markup=False)

    asyncio.run(run())


@app.command("forget")
def residents_forget(
    resident: str,
    by: By,
    reason: Reason,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: it cannot be undone")] = False,
) -> None:
    """Destroy all that tells of one person, wherever a copy of it is; what is counted stays. It cannot be undone."""
    from domain.policy.units import spelt
    from streams.operations.erasure import forget

    async def run() -> None:
        async with opened() as line:
            told = await forget(line, resident, by, reason)
            kept = (await line.policies.live()).retention.signals
        out.print_json(data={"cases": told.cases, "records": told.records, "accounts": told.accounts})
        out.print(
            f"{resident} is forgotten. Signals that name the person are not sealed: the last is gone in {spelt(kept)}.",
            "Replicas of Redis and of the vault still have to write their files anew: see RUNBOOK.",
            sep="\n",
            markup=False,
        )

    if not yes:
        typer.confirm(f"Destroy all that tells of {resident}, for good?", abort=True)
    asyncio.run(run())


@app.command("example")
def residents_example(file: Path, count: Annotated[int, typer.Option(min=1, help="How many")] = 20) -> None:
    """Write a file of made-up people, as an example of the columns."""
    from streams.repositories.residents.files import write_example

    write_example(file, count)
    out.print(str(file), markup=False)
