"""Finds the resident of a hand-over in the register, or makes the provisional entry of one whom it does not have.

A person is the same if a telephone and the name are: a telephone alone may be a family's. ID numbers are not compared,
because each installation hashes them with a key of its own.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.identity.identifiers import (
    account_token,
    is_minor,
    new_resident_id,
    normal_account,
    normal_phone,
    own_tokens,
)
from domain.ids import short_hash
from schemas.casework.cases import Payment
from schemas.channels.handovers import AS_REGISTERED, CaseHandover, PaymentHandedOver
from schemas.people.residents import Holding, ReportSource, Resident
from schemas.risk.evidence import WatchStatus
from streams.repositories.residents.newcomers import same_person
from streams.repositories.residents.register import Residents

_BEFORE_THE_MINOR = timedelta(milliseconds=1)  # a guardian is entered: of a common telephone, the minor is meant


@dataclass(frozen=True, slots=True)
class Entered:
    """The resident of a hand-over here. `new`: the register does not have them yet.

    `payments`: with the payees' tokens; `numbers`: the account numbers by token; `own`: tokens of the resident's own
    accounts; `guardian`: the guardian's entry to make, of a new resident who is a minor; None if there is none, or the
    register has it.
    """

    resident: Resident
    new: bool
    payments: list[Payment]
    numbers: dict[str, str]
    own: list[str]
    guardian: Resident | None = None


class ResidentFinder:
    """Finds residents in the register by what another province states about them. `secret`: the key of the account
    tokens.
    """

    def __init__(self, residents: Residents, secret: bytes) -> None:
        self._residents, self._secret = residents, secret

    async def person(self, province: str, told: CaseHandover, now: datetime) -> Entered | None:
        """Return the resident whom a hand-over is about, from the register or as a new entry, with the payments and
        accounts; None if the hand-over has no valid telephone by which somebody could warn them. Nothing is written.

        `province`: the sender's code. A payment with an invalid account is left out. Errors of Redis pass through.
        """
        phones = _valid(told.person.phones, normal_phone)
        if not phones:
            return None
        made = _entry(province, told, phones, now)
        known = await same_person(self._residents, made, now)
        # By the same time as the worker, which refuses an adult's guardian: they may have come of age on the way.
        asked = known is None and is_minor(made, now)
        guardian = await self._guardian(province, told, now) if asked else None
        if guardian is not None:
            made = made.model_copy(update={"guardian": guardian[0].id})
        payments, numbers = self._payments(province, told.payments)
        own = sorted(own_tokens(self._secret, known or made))
        enters = guardian[0] if guardian is not None and guardian[1] else None
        return Entered(known or made, known is None, payments, numbers, own, enters)

    async def _guardian(self, province: str, told: CaseHandover, now: datetime) -> tuple[Resident, bool] | None:
        """Return the entry of a minor's guardian, and whether it is to be made; None if no guardian is told of, or none
        of the telephones is valid.
        """
        of = told.person.guardian
        phones = _valid(of.phones, normal_phone) if of else []
        if of is None or not phones:
            return None
        made = Resident(
            id=_id("guardian handed over", province, told.case),
            phones=_held(phones, now - _BEFORE_THE_MINOR),
            provisional=ReportSource.FORCE,
            **of.model_dump(include=AS_REGISTERED),
        )
        known = await same_person(self._residents, made, now)
        return known or made, known is None

    def _payments(self, province: str, told: Iterable[PaymentHandedOver]) -> tuple[list[Payment], dict[str, str]]:
        """Return the payments, and the payees' account numbers by token. One with an invalid account is left out: no
        bank could be asked.
        """
        payments, numbers = [], {}
        for each in told:
            with suppress(ValueError):
                token = account_token(self._secret, each.account)
                numbers[token] = normal_account(each.account)
                payments.append(_payment(province, each, token))
        return payments, numbers


def _payment(province: str, told: PaymentHandedOver, token: str) -> Payment:
    """Return the payment. Only that the payee was merely reported is believed, because it makes an order harder; an
    account that the sender has confirmed is not confirmed here, where no order may go out by it alone.
    """
    return Payment(
        transfer=f"province.{province}:{short_hash(told.transfer)}",
        payee=token,
        amount_fen=told.amount_fen,
        at=told.at,
        state=told.state,
        watched=WatchStatus.REPORTED if told.watched is WatchStatus.REPORTED else None,
        institution=told.institution,
    )


def _entry(province: str, told: CaseHandover, phones: list[str], now: datetime) -> Resident:
    """Return the provisional entry of the person."""
    of = told.person
    return Resident(
        id=_id("handed over", province, told.case),
        phones=_held(phones, now),
        accounts=_held(_valid(of.accounts, normal_account), now),
        contacts=of.contacts,
        balance=of.balance,
        provisional=ReportSource.FORCE,
        **of.model_dump(include=AS_REGISTERED),
    )


def _id(what: str, province: str, case: str) -> str:
    """Return the id of an entry: the same for each request about a case, so that a repeated one makes no second entry.
    Another case of the person has another, because the first may have been erased here, and an erased id is never used
    again; until then, the person is found by telephone and name.
    """
    return new_resident_id(bytes.fromhex(short_hash(what, province, case)))


def _held(values: Iterable[str], now: datetime) -> list[Holding]:
    """Return the holdings of what another province tells at `now`, the first of which is used first.

    None is primary: a resident whom the register has with the same telephone or account stays the one who is meant. Of
    several whom it does not have, the one told of last is meant: `domain.identity.identifiers.holders`.
    """
    return [Holding(value=value, primary=False, shared=number > 0, entered=now) for number, value in enumerate(values)]


def _valid(told: Iterable[str], normal: Callable[[str], str]) -> list[str]:
    """Return the normal forms of what is valid, each once, in the same order."""
    found = []
    for each in told:
        with suppress(ValueError):
            found.append(normal(each))
    return list(dict.fromkeys(found))
