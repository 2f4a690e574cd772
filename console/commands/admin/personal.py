"""`quanzu admin subject-access`, `erase` and `rehash`: people's rights to their data, and the hashes of ID numbers."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from console.commands.common import By, Reason, open_installation, out, refuse_existing, write_new


def subject_access(
    resident: str,
    by: By,
    reason: Reason,
    file: Annotated[Path, typer.Option("--out", dir_okay=False, help="The new zip; it holds personal data")],
) -> None:
    """Write all records about one person to a zip file, when that person asks.

    It reads every topic. The audit records who did it and why. Refused if no resident has the id or the file exists.
    """
    from domain.identity.held import subject
    from schemas.administration.audit import AuditEntry
    from schemas.errors import UserError
    from streams.operations.subject_access import held, packed
    from streams.security import audit

    async def run() -> None:
        async with open_installation() as line:
            entry = (await line.residents.get([resident])).get(resident)
            if entry is None:
                raise UserError(f"there is no resident {resident!r}: the console's search has the ids")
            now = line.clock.now()
            told = AuditEntry(at=now, by=by, act="look-held", on=resident, reason=reason)
            await audit.write(line.producer, [told])
            found = await held(line.settings, subject(entry, line.settings.key()))
        write_new(file, packed(found, {"resident": resident, "at": now, "by": by, "reason": reason}))
        out.print(f"{file}: {sum(map(len, found.values())):,} records of {len(found)} topics", markup=False)

    refuse_existing(file)
    asyncio.run(run())


def erase(
    resident: str,
    by: By,
    reason: Reason,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: it cannot be undone")] = False,
) -> None:
    """Erase one person's data forever, in all copies.

    Statistical counts stay. It cannot be undone. Refused if a case is open, the id is unknown or merged into another,
    no vault is set, or no worker answers within 60 s.
    """
    from domain.policy.units import spelt
    from streams.operations.erasure import forget

    async def run() -> None:
        async with open_installation() as line:
            told = await forget(line, resident, by, reason)
            kept = (await line.policies.live()).retention.signals
        out.print_json(data={"cases": told.cases, "records": told.records, "accounts": told.accounts})
        out.print(
            f"{resident} is erased. Signals that name the person are not sealed: the last is gone in {spelt(kept)}.",
            "Replicas of Redis and of the vault still have to write their files anew: see RUNBOOK.",
            sep="\n",
            markup=False,
        )

    if not yes:
        typer.confirm(f"Erase the data of {resident} for good?", abort=True)
    asyncio.run(run())


def rehash() -> None:
    """Rehash all ID numbers under the last key of QUANZU_ID_KEYS.

    After an interruption, run it again. Refused if the register already uses a later key than QUANZU_ID_KEYS has.
    """
    from streams.repositories.residents import rehash

    async def run() -> None:
        async with open_installation() as line:
            keys = line.settings.id_number_keys()
            count = await rehash.rehash(line.residents, keys)
        out.print(f"{count:,} hashes put under the key in force, the {len(keys.later)}. since QUANZU_SECRET")

    asyncio.run(run())
