"""Search of stop-payments by case number, resident's name, or digits of a telephone or of the payee's account."""

import asyncio
from collections.abc import Iterable, Sequence

from console.web.kit.services import Services
from console.web.live.search import Sought, SoughtNumber, sought_number
from domain.desk.case_numbers import may_be, typed_number
from domain.payments.bank_book import StopLine
from schemas.people.residents import Resident


async def found(services: Services, lines: Sequence[StopLine], text: str, by: Sought) -> list[StopLine]:
    """Return those of `lines` that match the text, in the given order. `by`: the kind of the text, as `sought` returned
    it. Errors of Redis pass through.
    """
    if by is Sought.CASE and (number := typed_number(text)):
        return [line for line in lines if may_be(line.case, number)]
    if by is Sought.CASE:
        return [line for line in lines if line.case.startswith(text)]
    people = await services.line.residents.standing({line.resident for line in lines})
    if by is Sought.NAME:
        return [line for line in lines if _named(people.get(line.resident), text.casefold())]
    typed = sought_number(text)
    numbers = await accounts(services, (line.payee for line in lines))
    return [
        line for line in lines if typed.fits(numbers.get(line.payee, "")) or _reached(people.get(line.resident), typed)
    ]


async def accounts(services: Services, payees: Iterable[str]) -> dict[str, str]:
    """Return the unmasked account numbers of payees by token. Unknown payees are left out. Errors of Redis pass
    through.
    """
    asked = list(set(payees))
    numbers = await asyncio.gather(*(services.line.outgoing.account(payee) for payee in asked))
    return {payee: number for payee, number in zip(asked, numbers, strict=True) if number}


def _named(person: Resident | None, text: str) -> bool:
    return person is not None and text in person.name.casefold()


def _reached(person: Resident | None, number: SoughtNumber) -> bool:
    return person is not None and any(number.fits(held.value) for held in person.phones)
