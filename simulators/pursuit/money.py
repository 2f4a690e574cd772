"""The truth about stolen money: every fen of every theft is in an account, or has left the accounts."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from typing import NamedTuple

from schemas.casework.movements import MovedAccount, MovementKind
from simulators.assumptions.chance import pick, stream
from simulators.assumptions.stolen_money import EARLY, OUT, StolenMoney
from simulators.lab.agenda import Agenda


class MuleGang:
    """The accounts of a gang. The gang uses a few at each hop, and replaces a stopped account by a new one."""

    def __init__(self, chance: Random, name: str, assumed: StolenMoney) -> None:
        self._chance, self._name, self._assumed = chance, name, assumed
        self._used: list[list[MovedAccount]] = [[] for _ in range(chance.randint(*assumed.hops))]
        self._numbers = count()

    @property
    def hops(self) -> int:
        """Return the number of accounts through which the money passes, including the one to which the victim pays."""
        return len(self._used)

    def account(self, chance: Random, hop: int, stopped: Collection[MovedAccount]) -> MovedAccount:
        """Return a random account among those that the gang uses at a hop (from 0), never one of `stopped`.

        Changes the gang: stopped accounts at this hop are replaced by new ones. Raises IndexError if the gang has no
        such hop.
        """
        used = [each for each in self._used[hop] if each not in stopped]
        while len(used) < self._assumed.layer_accounts:
            bank = f"bank-{self._chance.randrange(self._assumed.banks)}"
            used.append(MovedAccount(bank=bank, token=f"{self._name}-{hop}-{next(self._numbers)}"))
        self._used[hop] = used
        return chance.choice(used)


class MuleMovement(NamedTuple):
    """A movement of stolen money that took place.

    `payer`: the account that the money left; `payee`: the account that got it, None unless `kind` is TRANSFER;
    `sequence`: the movement's number, from 0 for each payer account.
    """

    payer: MovedAccount
    payee: MovedAccount | None
    kind: MovementKind
    amount_fen: int
    at: datetime
    sequence: int


class MoneyTruth:
    """The stolen money and the accounts that have it. Money can enter a stopped account, but not leave it.

    `stolen`, `gone`: fen by theft, stolen in all, and out of the gangs' accounts (also paid to honest sellers, who keep
    it). `arrives`: called with the theft and the account whenever money reaches an account of a gang.
    """

    def __init__(
        self,
        seed: int,
        assumed: StolenMoney,
        agenda: Agenda,
        arrives: Callable[[str, MovedAccount], None] = lambda theft, account: None,
    ) -> None:
        self._seed, self._assumed, self._agenda, self._arrives = seed, assumed, agenda, arrives
        self._there: defaultdict[MovedAccount, Counter[str]] = defaultdict(Counter)  # account -> fen by theft
        self._moved: defaultdict[MovedAccount, list[MuleMovement]] = defaultdict(list)
        self._stopped: set[MovedAccount] = set()
        self._sellers: dict[MovedAccount, int] = {}  # fen
        self._layers: dict[MovedAccount, tuple[MuleGang, int]] = {}  # whose account it is, and at which hop
        self.stolen, self.gone = Counter[str](), Counter[str]()  # fen by theft

    def steal(self, theft: str, gang: MuleGang, amount_fen: int) -> MovedAccount:
        """Move `amount_fen` of a victim's money to one of the gang's accounts now, and return that account.

        Schedules on the agenda that the gang moves the money on. `theft`: the theft's name.
        """
        chance = stream(self._seed, "way", theft)
        account = gang.account(chance, 0, self._stopped)
        self.stolen[theft] += amount_fen
        self._arrive(chance, theft, gang, 0, account, amount_fen)
        return account

    def stop(self, account: MovedAccount) -> None:
        """Stop an account: no money leaves it until it is released."""
        self._stopped.add(account)

    def release(self, account: MovedAccount) -> None:
        """Lift an account's stop. If the account belongs to a gang, schedule that the gang moves its money on after the
        usual delay.
        """
        self._stopped.discard(account)
        if account not in self._layers:
            return
        gang, hop = self._layers[account]
        for theft, fen in self._there[account].items():
            chance = stream(self._seed, "released", theft, account.token)
            leave = partial(self._leave, chance, theft, gang, hop, account, fen)
            self._agenda.at(self._agenda.now + _between(chance, *self._assumed.stays), leave)

    def sold_to(self, account: MovedAccount) -> bool:
        """Return True if the account belongs to an honest seller whom a gang has paid with stolen money."""
        return account in self._sellers

    def balance(self, account: MovedAccount) -> int:
        """Return the stolen money that is in an account now, in fen; for an honest seller's account, the sum that gangs
        have paid to it. 0 for an unknown account.
        """
        return self._there[account].total() + self._sellers.get(account, 0)

    def onward(self, account: MovedAccount, since: datetime) -> list[MuleMovement]:
        """Return the movements out of an account at or after `since`, the earliest first; empty if there are none."""
        return [each for each in self._moved[account] if each.at >= since]

    def places(self, theft: str) -> list[MovedAccount]:
        """Return the accounts of gangs that hold money of a theft now, stopped or not, in no particular order."""
        return [account for account, by_theft in self._there.items() if by_theft[theft]]

    def in_accounts(self, theft: str) -> int:
        """Return the money of a theft that is in gangs' accounts now, stopped or not, in fen."""
        return sum(self._there[account][theft] for account in self.places(theft))

    def held(self, theft: str) -> int:
        """Return the money of a theft that is in stopped accounts now, in fen."""
        return sum(self._there[account][theft] for account in self._stopped)

    def missing(self) -> int:
        """Return how much stolen money is unaccounted for, in fen: for each theft, the absolute difference between the
        stolen money and the sum of the money in accounts and the money gone; added up over all thefts. 0 in every
        correct run.
        """
        return sum(abs(fen - self.in_accounts(theft) - self.gone[theft]) for theft, fen in self.stolen.items())

    def _arrive(
        self, chance: Random, theft: str, gang: MuleGang, hop: int, account: MovedAccount, amount_fen: int
    ) -> None:
        self._there[account][theft] += amount_fen
        self._layers[account] = gang, hop
        assumed = self._assumed
        soon = round(amount_fen * chance.uniform(*assumed.emptied))
        leave = partial(self._leave, chance, theft, gang, hop, account)
        for fen, (low, high) in ((soon, assumed.stays), (amount_fen - soon, assumed.rest_stays)):
            for part in _split(chance, fen, chance.randint(*assumed.parts)):
                self._agenda.at(self._agenda.now + _between(chance, low, high), partial(leave, part))
        self._arrives(theft, account)

    def _leave(
        self, chance: Random, theft: str, gang: MuleGang, hop: int, account: MovedAccount, amount_fen: int
    ) -> None:
        amount_fen = min(amount_fen, self._there[account][theft])  # a release may have let it out already
        if account in self._stopped or not amount_fen:
            return
        last, early = hop + 1 == gang.hops, chance.random() < self._assumed.leaves_early
        kind = pick(chance, OUT if last else EARLY) if last or early else MovementKind.TRANSFER
        payee = gang.account(chance, hop + 1, self._stopped) if kind is MovementKind.TRANSFER else None
        moved = self._moved[account]
        sale = (
            payee is not None and stream(self._seed, "sale", account.token, len(moved)).random() < self._assumed.sells
        )
        if payee is not None and sale:
            payee = MovedAccount(bank=payee.bank, token=f"seller-{account.token}-{len(moved)}")
            self._sellers[payee] = amount_fen
        moved.append(MuleMovement(account, payee, kind, amount_fen, self._agenda.now, len(moved)))
        self._there[account][theft] -= amount_fen
        if payee is None or sale:
            self.gone[theft] += amount_fen
        else:
            self._arrive(chance, theft, gang, hop + 1, payee, amount_fen)


def _split(chance: Random, amount_fen: int, parts: int) -> list[int]:
    """Return an amount (fen) divided into `parts` random parts, whose sum is the amount."""
    cuts = sorted(chance.randint(0, amount_fen) for _ in range(parts - 1))
    return [high - low for low, high in zip([0, *cuts], [*cuts, amount_fen], strict=True)]


def _between(chance: Random, low: timedelta, high: timedelta) -> timedelta:
    return low + (high - low) * chance.random()
