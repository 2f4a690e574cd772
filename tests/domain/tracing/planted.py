"""Planted graphs: mules move stolen money, and the truth follows every fen by what the mules mean to do.

Published figures set the pace: a mule empties 80 to 90 % of an account in 3 to 10 minutes, over two to six hops; a case
loses ¥52,000 on average (Jilin 2020: ¥389 million in 7,485 cases) and ¥5.92 million at most. Assumed: a third of the
mules has some money of their own, a third gets more of it, and spends some of it in shops; one theft in ten begins with
a payment back to the victim, as bait.

The truth is what a bank cannot see: a mule passes the stolen money on, the oldest or the latest first, and spends the
own. Every rule guesses at that.
"""

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import NamedTuple

from domain.tracing.facts import Destination, Movement, OpeningBalance, SinkKind, Stated, TracedAccount
from tests.domain.tracing.statements import START, opened, paid

BANKS = ("A", "B", "C", "D", "E")
MEAN_FEN, MOST_FEN = 5_200_000, 592_000_000
EMPTIED = (0.8, 0.9)
MINUTES = (3.0, 10.0)
OWN_MONEY, BAIT, CONTRADICTED, FEES = 1 / 3, 0.1, 0.05, 0.3
NEXT = 0.0001  # minutes between the payments that a mule makes in one go
CASH_OUT = (SinkKind.CASH, SinkKind.POS, SinkKind.WALLET, SinkKind.CRYPTO)


class Plan(NamedTuple):
    """The mules by layer; the first gets the victims' payments."""

    layers: tuple[tuple[TracedAccount, ...], ...]
    shops: tuple[TracedAccount, ...]


@dataclass(slots=True)
class Planted:
    """A graph with its truth.

    `statements`: what banks state, in no order, with repetitions and contradictions; `reached`: (theft, account) pairs
    that stolen money came to; `held`: stolen fen in each account at the end; `back`: fen that each theft's victim got
    back; `hops`: layers of mules.
    """

    thefts: list[str]
    hops: int
    statements: list[Stated] = field(default_factory=list)
    reached: set[tuple[str, TracedAccount]] = field(default_factory=set)
    held: Counter[tuple[TracedAccount, str]] = field(default_factory=Counter)
    back: Counter[str] = field(default_factory=Counter)


def planted(seed: int, own_money: float = OWN_MONEY, *, latest_first: bool = False) -> Planted:
    """Return the graph of a seed.

    `own_money`: the share of the mules that have money besides the stolen; `latest_first`: which stolen money they pass
    on first.
    """
    return _World(Random(seed), own_money, -1 if latest_first else 0).run()


class _World:
    """Mules at work. Each account has stolen money in the order of its arrival, and own money.

    `next_lot`: 0: the oldest stolen money is paid on first; -1: the latest.
    """

    def __init__(self, chance: Random, own_money: float, next_lot: int) -> None:
        self.chance = chance
        self.next_lot = next_lot
        self.own_money = own_money
        self.stolen: dict[TracedAccount, list[tuple[str, int]]] = {}
        self.victims: dict[str, TracedAccount] = {}
        self.own: Counter[TracedAccount] = Counter()
        self.due: list[tuple[float, int, TracedAccount]] = []
        self.numbers: Counter[str] = Counter()
        hops = chance.randint(2, 6)
        self.plan = Plan(
            tuple(tuple(self._account(f"m{layer}-{n}") for n in range(chance.randint(1, 4))) for layer in range(hops)),
            tuple(self._account(f"shop{n}") for n in range(3)),
        )
        self.layer = {mule: layer for layer, mules in enumerate(self.plan.layers) for mule in mules}
        self.graph = Planted([], hops)

    def _account(self, name: str) -> TracedAccount:
        return TracedAccount(self.chance.choice(BANKS), name)

    def run(self) -> Planted:
        """Let victims pay and mules empty their accounts, minute by minute."""
        for mule in self.layer:
            if self.chance.random() < self.own_money:
                self._own(mule)
        for number in range(self.chance.randint(1, 4)):
            heapq.heappush(self.due, (self.chance.uniform(0, 30), number, self._account(f"victim{number}")))
        while self.due:
            minute, _, account = heapq.heappop(self.due)
            if account in self.layer:
                self._empty(account, minute)
            else:
                self._steal(account, minute)
        for account, lots in self.stolen.items():
            for theft, fen in lots:
                self.graph.held[account, theft] += fen
        self.graph.statements += list(self._noise())
        self.chance.shuffle(self.graph.statements)
        return self.graph

    def _own(self, mule: TracedAccount) -> None:
        fen = self.chance.randint(1_000, 300_000)
        self.own[mule] += fen
        self.graph.statements.append(Stated(mule.bank, START, OpeningBalance(mule, fen)))

    def _steal(self, victim: TracedAccount, minute: float) -> None:
        fen = min(MOST_FEN, max(10_000, round(self.chance.lognormvariate(0, 1) * MEAN_FEN * 0.6)))
        first = self.chance.choice(self.plan.layers[0])
        theft = self._pay(victim, first, fen, minute)
        self.graph.thefts.append(theft)
        self.victims[theft] = victim
        self._arrive(first, [(theft, fen)], minute)
        if self.chance.random() < BAIT:
            self._send(first, victim, fen // 100, minute + NEXT)

    def _empty(self, mule: TracedAccount, minute: float) -> None:
        """Pass most of an account's stolen money on: to the next layer, or out."""
        minute = self._spend(mule, minute)
        total = sum(fen for _, fen in self.stolen.get(mule, ()))
        out = round(total * self.chance.uniform(*EMPTIED))
        targets = self._targets(mule)
        for part in self._split(out, len(targets)):
            minute += NEXT
            self._send(mule, targets.pop(), part, minute)
        if self.chance.random() < FEES:
            self._send(mule, SinkKind.FEE, min(200, total - out), minute + NEXT)

    def _targets(self, mule: TracedAccount) -> list[Destination]:
        layer = self.layer[mule] + 1
        if layer == len(self.plan.layers):
            return list(self.chance.sample(CASH_OUT, self.chance.randint(1, 2)))
        mules = self.plan.layers[layer]
        return list(self.chance.sample(mules, self.chance.randint(1, min(3, len(mules)))))

    def _split(self, fen: int, parts: int) -> Iterator[int]:
        for left in range(parts, 1, -1):
            part = round(fen * self.chance.uniform(0.5, 1.5) / left)
            fen -= part
            yield part
        yield fen

    def _spend(self, mule: TracedAccount, minute: float) -> float:
        """Get some own money from a shop (wages), or spend some there."""
        shop, fen = self.chance.choice(self.plan.shops), self.chance.randint(100, 100_000)
        if self.chance.random() < self.own_money:
            self._pay(shop, mule, fen, minute)
            self.own[mule] += fen
        elif self.own[mule] > fen:
            self._pay(mule, shop, fen, minute)
            self.own[mule] -= fen
        return minute + NEXT

    def _send(self, mule: TracedAccount, target: Destination, fen: int, minute: float) -> None:
        """Pay stolen money in the mules' order."""
        if fen <= 0:
            return
        self._pay(mule, target, fen, minute)
        lots, sent = self.stolen[mule], []
        while fen:
            theft, amount = lots[self.next_lot]
            part = min(fen, amount)
            if part == amount:
                lots.pop(self.next_lot)
            else:
                lots[self.next_lot] = theft, amount - part
            sent.append((theft, part))
            fen -= part
        if isinstance(target, TracedAccount):
            self._arrive(target, sent, minute)

    def _arrive(self, account: TracedAccount, lots: list[tuple[str, int]], minute: float) -> None:
        """Add stolen money to an account. A victim keeps what comes back, a mule does not."""
        for theft, fen in lots:
            if self.victims[theft] == account:
                self.graph.back[theft] += fen
                continue
            self.stolen.setdefault(account, []).append((theft, fen))
            self.graph.reached.add((theft, account))
        if account in self.layer:
            heapq.heappush(self.due, (minute + self.chance.uniform(*MINUTES), self.numbers.total(), account))

    def _pay(self, payer: TracedAccount, payee: Destination, fen: int, minute: float) -> str:
        """Have the payer's bank state a movement. Returns its id."""
        self.numbers[payer.bank] += 1
        number = self.numbers[payer.bank]
        at = START + timedelta(minutes=minute)
        movement = Movement(f"{payer.bank}{number}", payer, payee, fen, at, number)
        self.graph.statements.append(Stated(payer.bank, at + timedelta(minutes=5), movement))
        return movement.id

    def _noise(self) -> Iterator[Stated]:
        """Yield each movement as the payee's bank states it. One in twenty of another bank's has a wrong amount."""
        for stated in self.graph.statements:
            told = stated.told
            if not isinstance(told, Movement) or not isinstance(told.payee, TracedAccount):
                continue
            wrong = told.payee.bank != stated.by and self.chance.random() < CONTRADICTED
            yield Stated(told.payee.bank, stated.at, told._replace(amount_fen=told.amount_fen + 100 * wrong))


def many_lots(lots: int, thefts: int) -> tuple[list[Stated], list[str]]:
    """Return the statements of one account with many lots, and its thefts.

    Deposits of the thefts' money lie between clean ones, and are followed by as many payments to twenty accounts.
    """
    stolen = [paid("v", f"m{number}", lots, number) for number in range(thefts)]
    split = [paid(f"m{number % thefts}", "h", 10, thefts + number * 2) for number in range(lots)]
    clean = [paid("x", "h", 10, thefts + number * 2 + 1) for number in range(lots)]
    out = [paid("h", f"o{number % 20}", 15, thefts + 2 * lots + number) for number in range(lots)]
    return [opened("x", 10 * lots), *stolen, *split, *clean, *out], [
        f"v>m{number}@{number}" for number in range(thefts)
    ]
