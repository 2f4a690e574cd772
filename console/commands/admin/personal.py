"""`quanzu admin subject-access`, `erase`, `preserve` and `rehash`: people's rights to their data, orders to keep it,
and the hashes of ID numbers.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from console.commands.common import By, Reason, open_installation, out, refuse_existing, write_new

Request = Annotated[
    str | None, typer.Option("--request", help="The request granted in the console, s…; it is then marked as done")
]

WithoutRequest = Annotated[
    bool,
    typer.Option("--without-request", help="Without a request granted in the console; the audit records this"),
]


def subject_access(
    resident: str,
    by: By,
    reason: Reason,
    file: Annotated[
        Path | None, typer.Option("--out", dir_okay=False, help="The new zip; without it, the console hands it over")
    ] = None,
    *,
    request: Request = None,
    without_request: WithoutRequest = False,
) -> None:
    """Collect all records about one person in a zip, when that person asks.

    A supervisor downloads it on the request's page within a week; or --out FILE writes it here. It reads every topic,
    also for the entries merged with the person's. The audit records who did it and why. Refused with exit code 1 (2 for
    wrong options) if no resident has the id, the file exists, the request was not granted, or neither --request nor
    --without-request is given.
    """
    from domain.identity.held import subject
    from schemas.administration.audit import AuditEntry
    from schemas.errors import UserError
    from schemas.people.subject_requests import SubjectRight
    from streams.operations.granted_requests import close_request, require_granted_or_audit
    from streams.operations.preservation import same_people
    from streams.operations.subject_access import packed, records_about
    from streams.repositories.subject_files import KEPT
    from streams.security import audit

    async def run() -> None:
        async with open_installation() as line:
            entry = (await line.residents.get([resident])).get(resident)
            if entry is None:
                raise UserError(f"there is no resident {resident!r}: the console's search has the ids")
            now = line.clock.now()
            await require_granted_or_audit(line, request, SubjectRight.SEE, resident, by, reason)
            told = AuditEntry(at=now, by=by, act="look-held", on=resident, reason=reason)
            await audit.write(line.producer, [told])
            entries = await line.residents.get(await same_people(line, {resident}))
            found = await records_about(
                line.settings, *(subject(each, line.settings.id_number_keys()) for each in entries.values())
            )
            raw = packed(found, {"resident": resident, "at": now, "by": by, "reason": reason})
            if file:
                write_new(file, raw)
                if request:
                    await close_request(line, request, by)
            elif request:
                await line.subject_files.put(request, resident, raw)
        where = str(file) if file else f"request {request}: to be downloaded in the console within {KEPT.days} days"
        out.print(f"{where}: {sum(map(len, found.values())):,} records of {len(found)} topics", markup=False)

    _refuse_unasked(request, without_request=without_request)
    if file:
        refuse_existing(file)
    elif request is None:
        raise typer.BadParameter("without a request, the console hands nothing over: name the file", param_hint="--out")
    asyncio.run(run())


def erase(
    resident: str,
    by: By,
    reason: Reason,
    *,
    request: Request = None,
    without_request: WithoutRequest = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation; it cannot be undone")] = False,
) -> None:
    """Erase one person's data forever, in all copies.

    Statistical counts stay. It cannot be undone. Prints how many cases, records and accounts were erased. Refused with
    exit code 1 (2 for wrong options) if a case is open, the id is unknown or merged into another, the request was not
    granted, neither --request nor --without-request is given, no vault is set, or no worker answers within 60 s.
    """
    from domain.policy.units import spelt
    from schemas.people.subject_requests import SubjectRight
    from streams.operations.erasure import forget
    from streams.operations.granted_requests import close_request, require_granted_or_audit

    async def run() -> None:
        async with open_installation() as line:
            await require_granted_or_audit(line, request, SubjectRight.ERASE, resident, by, reason)
            told = await forget(line, resident, by, reason, request)
            if request:
                await close_request(line, request, by)
            kept = (await line.policies.live()).retention.signals
        out.print_json(
            data={
                **{"cases": told.cases, "records": told.records, "accounts": told.accounts},
                **{"finished": told.finished, "unsearched": told.unsearched},
            }
        )
        out.print(
            f"{resident} is erased. Signals that name the person are not under the person's key: the last is gone in "
            f"{spelt(kept)}.",
            "Replicas of Redis and of the vault still have to write their files anew: see RUNBOOK.",
            sep="\n",
            markup=False,
        )

    _refuse_unasked(request, without_request=without_request)
    if not yes:
        typer.confirm(f"Erase the data of {resident} for good?", abort=True)
    asyncio.run(run())


def _refuse_unasked(request: str | None, *, without_request: bool) -> None:
    """Raises BadParameter unless exactly one of the two options is given."""
    if (request is None) is not without_request:
        raise typer.BadParameter(
            "name the request that a supervisor granted in the console, or, if there is none, --without-request: the "
            "audit then says that nobody else agreed. Give one of the two",
            param_hint="--request",
        )


def preserve(by: By) -> None:
    """Copy the data of people under an order to keep it.

    Run it every day. It reads every topic once for each such person, and deletes the copies of people whose orders have
    ended. Prints the counts as JSON.
    """
    from streams.operations.preservation import preserve_records

    async def run() -> None:
        async with open_installation() as line:
            told = await preserve_records(line, by)
        out.print_json(
            data={"people": told.people, "copied": told.copied, "dropped": told.dropped, "unknown": told.unknown}
        )

    asyncio.run(run())


def rehash() -> None:
    """Rehash all ID numbers under the last key of QUANZU_ID_KEYS.

    After an interruption, run it again. Refused with exit code 1 if the register already uses a later key than
    QUANZU_ID_KEYS has.
    """
    from streams.repositories.residents import rehash

    async def run() -> None:
        async with open_installation() as line:
            keys = line.settings.id_number_keys()
            count = await rehash.rehash(line.residents, keys)
        out.print(f"{count:,} hashes put under the key in force, the {len(keys.later)}. since QUANZU_SECRET")

    asyncio.run(run())
