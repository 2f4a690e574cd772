"""The money of a case for its page: each payment with its status, and what a person may ask for it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from console.web.kit.services import Services
from domain.casework.payments import account_freeze
from domain.payments import releases
from domain.payments.accounts import asked_most
from domain.payments.freezes import ends_soon
from domain.payments.status import PaymentStatus, Reconciled, Rest, rest_of, status_of, stopped_fen
from domain.payments.stop_progress import may_ask
from schemas.casework.cases import Case, Payment
from schemas.channels.bank_messages import bank_of
from schemas.channels.releases import ReleaseRequest

_STOPPABLE = frozenset(
    {
        *(PaymentStatus.STOP_REFUSED, PaymentStatus.STOP_EXPIRED, PaymentStatus.STOP_RELEASED),
        *(PaymentStatus.SETTLED, PaymentStatus.PENDING, PaymentStatus.ATTEMPTED),
    }
)


@dataclass(frozen=True, slots=True)
class Money:
    """A payment of the case, or an account that received its money later (`traced` is True), with its status.

    `bank`: the payer's; `account`: the payee's account number, "" if unknown; `scammer`: the account holder's name and
    how the scammer is reached, as the resident said. `account` and `scammer` are unmasked here: the page masks them
    unless the reader has revealed the resident's data. `until`, `frozen_until`: in UTC.
    """

    transfer: str
    bank: str
    account: str
    amount_fen: int
    stopped_fen: int  # of it, what the stop holds
    at: datetime
    status: Reconciled
    rest: Rest  # what the status does not cover
    until: datetime | None  # the end of a stop in force
    frozen_until: datetime | None  # the end of the authority's freeze that is recorded and has not ended
    ends_soon: bool  # that freeze: within a week, or it should have ended
    kept: str | None  # the evidence class of the loss avoided
    may_ask: bool
    may_release: bool  # a stop is in force and its release was not asked for
    release: ReleaseRequest | None  # the request that waits for a second person
    scammer: tuple[str, ...] = ()
    traced: bool = False
    refused_by: str = ""  # the institution that refused the stop: its name, or its code; "" if unknown
    spent: bool = False  # no stop holds it, and its account has been asked for as often as one may be

    @property
    def refused(self) -> bool:
        """True if the bank has refused the stop."""
        return self.status.status is PaymentStatus.STOP_REFUSED

    @property
    def proposed(self) -> bool:
        """True if its stop is asked for unless the person leaves it out: a bank that has refused is asked again only if
        the person chooses so.
        """
        return self.may_ask and not self.refused

    @property
    def returned(self) -> bool:
        """True if the bank has returned the whole amount."""
        return self.status.status is PaymentStatus.RETURNED and self.status.amount_fen >= self.amount_fen


async def money_of(services: Services, case: Case, by: str) -> list[Money]:
    """Return the case's payments and traced accounts, in the case's order but returned ones last, with what the person
    `by` (a login) may ask for each. Errors of Redis pass through.
    """
    known = list(releases.numbered(case))
    accounts = await asyncio.gather(*(services.line.outgoing.account(payment.payee) for _, payment in known))
    stands = [releases.has_stop(case, number) for number, _ in known]
    requests = await services.line.releases.all() if any(stands) else []
    found = []
    for (number, payment), account, stopped in zip(known, accounts, stands, strict=True):
        kept, status = case.kept.get(payment.transfer), status_of(case, payment)
        release = releases.of_stop(requests, case.id, number)
        freeze = account_freeze(case, payment.transfer)
        found.append(
            Money(
                transfer=payment.transfer,
                bank=payers_bank(payment),
                account=account or "",
                amount_fen=payment.amount_fen,
                stopped_fen=stopped_fen(payment),
                at=payment.at,
                status=status,
                rest=rest_of(case, payment),
                until=payment.stop.until if payment.stop and status.status is PaymentStatus.STOPPED else None,
                frozen_until=freeze.until if freeze else None,
                ends_soon=freeze is not None and ends_soon(freeze, services.line.clock.now()),
                kept=kept.evidence.value if kept else None,
                may_ask=may_ask(case, payment, by),
                may_release=stopped and release is None,
                release=release,
                scammer=_scammer(payment),
                traced=payment.movement is not None,
                refused_by=_asked(services, payment, account) if status.status is PaymentStatus.STOP_REFUSED else "",
                spent=status.status in _STOPPABLE and asked_most(case, payment),
            )
        )
    return sorted(found, key=lambda each: each.returned)  # in the order of the case otherwise


def payers_bank(payment: Payment) -> str:
    """Return the name or code of the payer's bank of a payment: by the feed, or as the resident named it, or for a
    traced account as a bank stated; "" if the resident did not name it.
    """
    if payment.movement is not None:
        return payment.movement.partition("#")[0]
    if payment.reported is None or payment.feed is not None:
        return bank_of(payment.feed or payment.transfer)
    return payment.reported.from_bank


def _asked(services: Services, payment: Payment, account: str | None) -> str:
    """Return the institution that got the stop order of a payment, as agents/payments.py sends it: its name, or its
    code if the table of institutions lacks it; "" if unknown.
    """
    table = services.line.outgoing.institutions
    known = table.by_code.get(payment.institution or "") or table.of_card(account or "")
    return known.name if known else payment.institution or ""


def _scammer(payment: Payment) -> tuple[str, ...]:
    told = payment.reported
    return tuple(filter(None, (told.holder, told.scammer_phone, told.wechat, told.scam_link))) if told else ()
