"""Builds the request that hands a case over: what another province needs to warn the resident, and nothing else.

Notes, answers and other words of persons stay here, and so does the name of a campaign, which means nothing elsewhere.
"""

from collections.abc import Mapping
from datetime import datetime

from domain.casework.provinces.records import ASKS, offer_name, tells_end
from domain.identity.identifiers import held, is_minor, phones_at
from domain.policy.schedule import CONTACTS_NOBODY
from schemas.casework.cases import Case, Payment
from schemas.casework.events import Dispatch
from schemas.casework.provinces import MOST_CONTACTS, CaseOffer, ContactThere
from schemas.channels.handovers import (
    AS_REGISTERED,
    CaseHandover,
    GuardianHandedOver,
    PaymentHandedOver,
    PersonHandedOver,
)
from schemas.people.residents import Resident


def handover_of(
    dispatch: Dispatch,
    offer: CaseOffer,
    case: Case,
    resident: Resident,
    accounts: Mapping[str, str],
    now: datetime,
    guardian: Resident | None = None,
) -> CaseHandover:
    """Return the request that hands the dispatch's case over. `case`: in its present state; `accounts`: the payees'
    numbers by token; `guardian`: the register's entry of the resident's guardian, who is included only while the
    resident is a minor at `now`. A payment whose account is not in `accounts` is left out, because no bank could be
    asked to stop it. Nothing is sent.
    """
    payments = [_payment(each, accounts[each.payee]) for each in case.payments if each.payee in accounts]
    return CaseHandover(
        offer=offer_name(case, offer),
        case=case.id,
        ground=offer.ground,
        until=offer.until,
        asks=dispatch.step.startswith(f"{offer.id}{ASKS}"),
        ended=tells_end(offer, dispatch.step),
        danger=case.danger.model_copy(update={"campaign": None, "level": case.level}),
        person=_person(resident, now, guardian if is_minor(resident, now) else None),
        payments=payments,
        contacts=_contacts(case),
        prior_loss=case.prior_loss,
    )


def _person(resident: Resident, now: datetime, guardian: Resident | None) -> PersonHandedOver:
    return PersonHandedOver(
        phones=_phones(resident, now),
        accounts=[each.value for each in resident.accounts if held(each, now)],
        balance=resident.balance,
        contacts=resident.contacts,
        guardian=_guardian(guardian, now) if guardian else None,
        **resident.model_dump(include=AS_REGISTERED),
    )


def _guardian(guardian: Resident, now: datetime) -> GuardianHandedOver | None:
    """Return the guardian, or None without a telephone by which to reach them."""
    if not (phones := _phones(guardian, now)):
        return None
    return GuardianHandedOver(phones=phones, **guardian.model_dump(include=AS_REGISTERED))


def _phones(person: Resident, now: datetime) -> list[str]:
    """Return the telephones that a person holds now, the one by which to reach them first."""
    return [each.value for each in phones_at(person, now)]


def _payment(payment: Payment, account: str) -> PaymentHandedOver:
    return PaymentHandedOver(
        transfer=payment.transfer,
        account=account,
        amount_fen=payment.amount_fen,
        at=payment.at,
        state=payment.state,
        watched=payment.watched if payment.reported is None else None,
        institution=payment.institution,
    )


def _contacts(case: Case) -> list[ContactThere]:
    tried = [each for each in case.steps if each.results and each.action not in CONTACTS_NOBODY]
    return [ContactThere(action=each.action, results=each.results) for each in tried][-MOST_CONTACTS:]
