"""The residents who hold a telephone: several may share one, so a form asks which of them is meant."""

from collections.abc import Sequence

from console.web.auth.words import N_
from console.web.kit.filled import Filled, FormError
from console.web.kit.services import Services
from domain.identity.identifiers import normal_phone
from schemas.people.residents import Resident
from streams.repositories.residents.register import Asked

WHICH = N_("这个电话不止一人使用，请选择是哪一位。")


class SeveralHoldersError(FormError):
    """Several residents hold the telephone, and the form names none of them. `holders`: they, the primary one first."""

    def __init__(self, holders: Sequence[Resident]) -> None:
        super().__init__("resident", WHICH)
        self.holders = holders


async def holders_of(made: Services, given: Filled) -> list[Resident]:
    """Return the register's holders of the telephone in the form's field `phone`, the primary one first; empty if
    nobody holds it. The number is not stored. Raises FormError for an invalid number. Errors of Redis pass through.
    """
    try:
        asked = Asked("phones", normal_phone(given["phone"]), made.line.clock.now())
    except ValueError:
        words = N_("这不是可以识别的电话号码。座机请加区号，例如 0431-8xxxxxxx。")
        raise FormError("phone", words) from None
    ids = (await made.line.residents.holders([asked]))[0]
    standing = await made.line.residents.standing(ids)
    return list({entry.id: entry for each in ids if (entry := standing.get(each))}.values())


async def chosen_holder(made: Services, given: Filled) -> Resident | None:
    """Return the register's holder of the telephone in the form's field `phone`: None if nobody holds it, and of
    several the one whose id is in the field `resident`. The number is not stored.

    Raises FormError for an invalid number, and SeveralHoldersError if none of several holders is chosen. Errors of
    Redis pass through.
    """
    found = {entry.id: entry for entry in await holders_of(made, given)}
    if len(found) < 2:
        return next(iter(found.values()), None)
    if given["resident"] in found:
        return found[given["resident"]]
    raise SeveralHoldersError(list(found.values()))


def holders_to_choose(error: Exception) -> Sequence[Resident]:
    """Return the residents among whom the person has to choose, the primary holder first; empty if `error` is no
    SeveralHoldersError.
    """
    return error.holders if isinstance(error, SeveralHoldersError) else ()
