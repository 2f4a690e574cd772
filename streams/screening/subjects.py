"""The parties of a signal: lookups of residents, and suspects as watchlist subjects, in which tokens replace
numbers.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

import msgspec

from domain.identity.id_keys import IdKeys, UnknownKeyError
from domain.identity.identifiers import (
    PUBLIC_LINES,
    account_token,
    normal_account,
    normal_phone,
    spelt_account,
    spelt_phone,
)
from domain.identity.links import link_forms, normal_link
from domain.public_check.listing import listing_of
from domain.risk import Role, reads_watchlist
from domain.risk.verdicts import rated_subject
from schemas.people.residents import ResidentId
from schemas.risk.payee_checks import PayeeKind
from schemas.risk.signals import Signal, WatchState
from streams.repositories.residents.register import Asked

REMEMBERED = 65_536  # numbers whose token is cached, in each worker
SUSPECTING = frozenset({"watchlist", "report"})  # kinds of signals that may add a watchlist entry


class Party(msgspec.Struct, frozen=True, gc=False):
    """A resident whom a signal may be about, and their `role` in it.

    `suspect`: the other party, as a watchlist subject; None if unknown, or if signals of this kind do not depend on the
    watchlist.
    """

    role: Role
    resident: ResidentId
    suspect: str | None


class Subjects:
    """Finds the parties of signals: the lookups of residents, and suspects as watchlist subjects.

    The tokens in subjects are hashes of numbers or links, keyed with `secret`. `id_keys`: the keys of ID numbers'
    hashes; None: `secret` is the only one.
    """

    def __init__(self, secret: bytes, id_keys: IdKeys | None = None) -> None:
        self._secret, self._id_keys = secret, id_keys or IdKeys(secret)
        self.account: Callable[[str], str | None] = lru_cache(REMEMBERED)(lambda raw: _token(secret, raw))
        self.phone: Callable[[str], str | None] = lru_cache(REMEMBERED)(lambda raw: _phone_subject(secret, raw))

    def asked(self, signal: Signal) -> list[tuple[Role, Asked]]:
        """Return the lookups in the register of the residents whom a signal may be about, each with their role, in the
        order of preference: for a call the callee, then the caller; for a payment the holder of the account, then of
        the ID number. Empty for a watchlist signal, and if the signal names no valid number.
        """
        match signal.kind:
            case "call":
                return [
                    *_phone_of(signal, Role.CALLED, signal.called),
                    *_phone_of(signal, Role.CALLER, signal.caller),
                ]
            case "transfer":
                account = _account(signal.payer)
                by_account = [(Role.PAYER, Asked("accounts", account, signal.at))] if account else []
                return [*by_account, *self._payer_by_id(signal.payer_id, signal.at)]
            case "sms":
                return _phone_of(signal, Role.RECEIVER, signal.receiver)
            case "app":
                return _phone_of(signal, Role.SUBSCRIBER, signal.phone)
            case "report":
                return _phone_of(signal, Role.REPORTER, signal.phone)
            case "watchlist":
                return []

    def _payer_by_id(self, hashed: str | None, at: datetime) -> list[tuple[Role, Asked]]:
        """Return the lookups of an ID number's holder: under the newest key first, then under each earlier one down to
        the signal's own. The register has one of them, if its entries are being renewed after a change of the key.
        """
        if not hashed:
            return []
        try:
            forms = self._id_keys.onward(hashed)
        except UnknownKeyError:
            forms = [hashed]  # the register may still be known by it, as long as this process lacks the key
        return [(Role.PAYER, Asked("idhashes", each, at)) for each in reversed(forms)]

    def party(self, signal: Signal, role: Role, resident: ResidentId) -> Party:
        """Return the party for a resident who was found in the register by a lookup for this role. Its `suspect` is
        None for kinds of signals that do not depend on the watchlist.

        The suspect's token is computed only now, because most lookups find nobody.
        """
        return Party(role, resident, self._other(signal, role) if reads_watchlist(signal) else None)

    def _other(self, signal: Signal, role: Role) -> str | None:
        if signal.kind == "transfer":
            token = self.account(signal.payee)
            return f"account:{token}" if token else None
        if signal.kind == "call":
            return self.phone(signal.caller if role is Role.CALLED else signal.called)
        return self.phone(signal.sender) if signal.kind == "sms" else None

    def spelt(self, account: str) -> str:
        """Return the account number in normal form, or unchanged if it is invalid."""
        return _account(account) or account

    def suspect(self, signal: Signal) -> tuple[str, str] | None:
        """Return the subject that a signal puts on the watchlist (account:TOKEN, phone:TOKEN or link:TOKEN; a vendor's
        verdict phone:TOKEN@VENDOR), and its number or link in normal form.

        Returns None for kinds of signals other than watchlist and report, and for a report without a valid suspect.
        A public line such as 110 is no valid suspect: who displays it as the caller has forged it. Raises ValueError if
        the number or link in a watchlist signal is invalid.
        """
        if signal.kind == "watchlist":
            subject, value = self._watched(signal.subject, signal.value)
            return (rated_subject(subject, signal.source) if signal.state is WatchState.RATED else subject), value
        if signal.kind != "report":
            return None
        if signal.suspect_account:
            token = self.account(signal.suspect_account)
            return (f"account:{token}", normal_account(signal.suspect_account)) if token else None
        if signal.suspect_phone and (phone := self.phone(signal.suspect_phone)):
            normal = normal_phone(signal.suspect_phone)
            return None if normal in PUBLIC_LINES else (phone, normal)  # no evidence until somebody confirms it
        return self._reported_link(signal.suspect_link) if signal.suspect_link else None

    def check_listing(self, subject: str, normal: str) -> str:
        """Return the data that the public check needs of a watchlist subject's number or link, given in normal form, as
        text for `WatchEntry.check`.
        """
        return listing_of(self._secret, subject.partition(":")[0], normal)

    def listed(self, kind: PayeeKind, value: str) -> list[str]:
        """Return the watchlist subjects under which an account, telephone number or link may be listed, the most
        specific first: one for an account or number, several for a link.

        Raises ValueError, with the reason but not the value, if `value` is not of this kind.
        """
        match kind:
            case PayeeKind.ACCOUNT:
                return [f"account:{self.account(normal_account(value))}"]
            case PayeeKind.PHONE:
                return [_known(self.phone(normal_phone(value)))]
            case PayeeKind.LINK:
                return self.links(value)

    def links(self, link: str) -> list[str]:
        """Return the watchlist subjects under which a link may be listed, its own first, then its wider forms.

        Raises ValueError if the link is invalid.
        """
        return [_link_subject(self._secret, form) for form in link_forms(normal_link(link))]

    def _watched(self, kind: Literal["account", "phone", "link"], value: str) -> tuple[str, str]:
        match kind:
            case "account":
                return f"account:{_known(self.account(value))}", normal_account(value)
            case "phone":
                if (normal := normal_phone(value)) in PUBLIC_LINES:
                    raise ValueError(
                        "value: a public line, which is nobody's own. List the number behind the forged one"
                    )
                return _known(self.phone(value)), normal
            case "link":
                return self.links(value)[0], normal_link(value)

    def _reported_link(self, link: str) -> tuple[str, str] | None:
        try:
            return self._watched("link", link)
        except ValueError:  # people write other things there too
            return None


def _known(token: str | None) -> str:
    if token is None:
        raise ValueError("value: not a number of this kind")
    return token


def _phone_of(signal: Signal, role: Role, raw: str) -> list[tuple[Role, Asked]]:
    phone = _phone(raw)
    return [(role, Asked("phones", phone, signal.at))] if phone else []


def _phone(raw: str) -> str | None:
    return raw if spelt_phone(raw) else _respelt_phone(raw)


def _account(raw: str) -> str | None:
    return raw if spelt_account(raw) else _respelt_account(raw)


@lru_cache(REMEMBERED)
def _respelt_phone(raw: str) -> str | None:
    try:
        return normal_phone(raw)
    except ValueError:
        return None


@lru_cache(REMEMBERED)
def _respelt_account(raw: str) -> str | None:
    try:
        return normal_account(raw)
    except ValueError:
        return None


def _token(secret: bytes, raw: str) -> str | None:
    try:
        return account_token(secret, raw)
    except ValueError:
        return None


def _phone_subject(secret: bytes, raw: str) -> str | None:
    """Return a telephone number's watchlist subject, or None. Keyed BLAKE2: each call needs two, and an HMAC takes 5
    µs.
    """
    phone = _phone(raw)
    return f"phone:p{blake2b(phone.encode(), key=secret[:64], digest_size=16).hexdigest()}" if phone else None


def _link_subject(secret: bytes, normal: str) -> str:
    return f"link:l{blake2b(normal.encode(), key=secret[:64], digest_size=16, person=b'link').hexdigest()}"
