"""Whom a signal is about, and which suspects it names: numbers in one spelling, and the tokens that stand for them."""

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from domain.identity import account_token, normal_account, normal_phone
from domain.risk import Role, reads_watchlist
from schemas.signals import App, Call, Report, Signal, Sms, Transfer, Watch
from streams.residents.register import Asked, Index

REMEMBERED = 65_536  # numbers whose token is not computed again; each worker has its own


class Party(NamedTuple):
    """Somebody who may be the resident: how to ask for them, and the suspect at the other end."""

    role: Role
    asked: Asked
    suspect: str | None = None  # a field of the watchlist


class Subjects:
    """The parties of signals, under one secret."""

    def __init__(self, secret: bytes) -> None:
        self.account: Callable[[str], str | None] = lru_cache(REMEMBERED)(lambda raw: _token(secret, raw))
        self.phone: Callable[[str], str | None] = lru_cache(REMEMBERED)(lambda raw: _phone_subject(secret, raw))

    def parties(self, signal: Signal) -> list[Party]:
        """Who may be meant, in the order of preference: of a call the called, else the caller."""
        if isinstance(signal, Transfer):
            token = self.account(signal.payee)
            return _party(Role.PAYER, "accounts", signal.payer, signal, f"account:{token}" if token else None)
        if isinstance(signal, Call):
            caller, called = self._suspects(signal, signal.caller, signal.called)
            return [
                *_party(Role.CALLED, "phones", signal.called, signal, caller),
                *_party(Role.CALLER, "phones", signal.caller, signal, called),
            ]
        if isinstance(signal, Sms):
            return _party(Role.RECEIVER, "phones", signal.receiver, signal, *self._suspects(signal, signal.sender))
        if isinstance(signal, App):
            return _party(Role.SUBSCRIBER, "phones", signal.phone, signal)
        return _party(Role.REPORTER, "phones", signal.phone, signal) if isinstance(signal, Report) else []

    def _suspects(self, signal: Signal, *phones: str) -> list[str | None]:
        return [self.phone(phone) if reads_watchlist(signal) else None for phone in phones]

    def spelt(self, account: str) -> str:
        """An account in its one spelling, or as it came when it has none."""
        return _account(account) or account

    def suspect(self, signal: Signal) -> tuple[str, str] | None:
        """Whom a signal puts on the watchlist: the field, and the number in its one spelling.

        Raises ValueError when it is about that and the number is none.
        """
        if isinstance(signal, Watch):
            if signal.subject == "account":
                return f"account:{_known(self.account(signal.value))}", normal_account(signal.value)
            return _known(self.phone(signal.value)), normal_phone(signal.value)
        if isinstance(signal, Report) and signal.suspect_account:
            token = self.account(signal.suspect_account)
            return (f"account:{token}", normal_account(signal.suspect_account)) if token else None
        if isinstance(signal, Report) and signal.suspect_phone and (phone := self.phone(signal.suspect_phone)):
            return phone, normal_phone(signal.suspect_phone)  # told of, and no evidence until somebody confirms it
        return None


def _known(token: str | None) -> str:
    if token is None:
        raise ValueError("value: not a number of this kind")
    return token


def _party(role: Role, by: Index, raw: str, signal: Signal, suspect: str | None = None) -> list[Party]:
    value = _phone(raw) if by == "phones" else _account(raw)
    return [Party(role, Asked(by, value, signal.at), suspect)] if value else []


@lru_cache(REMEMBERED)
def _phone(raw: str) -> str | None:
    try:
        return normal_phone(raw)
    except ValueError:
        return None


@lru_cache(REMEMBERED)
def _account(raw: str) -> str | None:
    try:
        return normal_account(raw)
    except ValueError:
        return None


def _token(secret: bytes, raw: str) -> str | None:
    account = _account(raw)
    return account_token(secret, account) if account else None


def _phone_subject(secret: bytes, raw: str) -> str | None:
    """A telephone's field of the watchlist: a keyed BLAKE2, since each call asks for two and an HMAC takes 5 µs."""
    phone = _phone(raw)
    return f"phone:p{blake2b(phone.encode(), key=secret[:64], digest_size=16).hexdigest()}" if phone else None
