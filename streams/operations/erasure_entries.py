"""The register's entries that an erasure is about: those merged into the person's, and those of earlier runs.

A run that ended before its end has deleted entries by which the others were found. The audit names them: all that one
run erases is noted under one time and person, before anything is destroyed.
"""

from collections.abc import Collection

from schemas.administration.audit import AuditEntry
from schemas.people.residents import ResidentId
from streams.installation import Installation
from streams.operations.erasure_checks import NotForgottenError
from streams.security.audit_log import Wanted, all_entries

FORGET = "forget"  # the act of the audit entries


async def merged_entries(line: Installation, resident: ResidentId) -> list[ResidentId]:
    """Return the entries merged into this one, directly or through others, the most distant first.

    Scans the whole register. Raises NotForgottenError if the entry itself was merged into another, and RedisError if
    Redis is unavailable.
    """
    into: dict[ResidentId, list[ResidentId]] = {}
    async for batch in line.residents.all():
        for entry in batch:
            if entry.merged_into:
                into.setdefault(entry.merged_into, []).append(entry.id)
                if entry.id == resident:
                    raise NotForgottenError(
                        f"{resident} was merged into {entry.merged_into}: nothing was destroyed. Forget that one, and "
                        "what was merged into it is forgotten with it"
                    )
    found = [resident]
    for each in found:  # the list grows in the loop
        found += [other for other in into.get(each, ()) if other not in found]
    return found[:0:-1]  # the most distant first: after an interruption the rest can still be found


async def erased_with(line: Installation, residents: Collection[ResidentId]) -> list[ResidentId]:
    """Return the other residents about whom earlier erasures of these residents were, as the audit has it, sorted:
    entries merged into theirs, and their guardians. Nobody says whether these were carried out.

    Reads the whole audit. Raises KafkaError if Kafka is unavailable.
    """
    runs, about = set[tuple[object, str]](), dict[ResidentId, set[tuple[object, str]]]()
    async for entry in all_entries(line.settings, Wanted(act=FORGET)):
        about.setdefault(entry.on, set()).add(_run(entry))
        if entry.on in residents:
            runs.add(_run(entry))
    return sorted(each for each, those in about.items() if each not in residents and those & runs)


def _run(entry: AuditEntry) -> tuple[object, str]:
    return entry.at, entry.by
