"""Everyday life of millions of residents as far as it is evidence: the events of ordinary.py, here in columns.

Calls from abroad and over gateways, visits of suspicious sites, large payments to new payees. Other signals are not
evidence to `domain.risk.evidence_of`. In a census, every resident is in the register.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.policy.risk import RiskRules
from schemas.people.residents import Language
from simulators.assumptions import figures
from simulators.population import kinds
from simulators.population.census import Census, generator
from simulators.population.kinds import TABLE, Ints

_DAY_SECONDS = 86_400
_SUSPICIOUS = {"business_abroad": 1.0, "family_in_korea": 1.0, "curious_site": 1.0, "spam_sms": figures.SPAM_BY_GOIP}
_WITH_KOREA = ("family_in_korea", "remittance")
_LIMITS = np.array([figures.BALANCE_YUAN[band] for band in kinds.BALANCES])  # yuan, both limits inclusive


@dataclass(frozen=True, slots=True)
class Acts:
    """All events of one kind on a day, as columns of equal length. `rows`: the residents' rows in the census;
    `seconds`: of the day; `fen`: the amounts, 0 for events that are not payments.
    """

    kind: str
    rows: Ints
    seconds: NDArray[np.uint32]
    fen: Ints


def everyday(seed: int, census: Census, acts: int, rules: RiskRules) -> Iterator[Acts]:
    """Yield the events of one day that are evidence under `rules`, as one Acts for each kind that can be evidence.
    Equal arguments give equal events.

    `acts`: the number of all events on that day, whether or not they are evidence.
    """
    chance = generator(seed, "everyday")
    shares = np.array(list(figures.ORDINARY.values()))
    counts = chance.multinomial(acts, shares / shares.sum())
    for kind, count in zip(figures.ORDINARY, counts, strict=True):
        if kind in _SUSPICIOUS:
            rows = _who(chance, census, kind, int(chance.binomial(count, _SUSPICIOUS[kind])))
            yield _acts(chance, kind, rows, np.zeros(len(rows), dtype=np.intp))
        elif kind in figures.PAYMENTS:
            rows = _who(chance, census, kind, int(chance.binomial(count, figures.PAYMENTS[kind].new)))
            yield _weighty(chance, kind, rows, census, rules)


def _acts(chance: np.random.Generator, kind: str, rows: Ints, fen: Ints) -> Acts:
    return Acts(kind, rows, chance.integers(_DAY_SECONDS, size=len(rows), dtype=np.uint32), fen)


def _weighty(chance: np.random.Generator, kind: str, rows: Ints, census: Census, rules: RiskRules) -> Acts:
    """Return those payments to new payees that are large enough to count as evidence."""
    low, high = figures.PAYMENTS[kind].yuan
    limits = _LIMITS[TABLE.balance[census.kind[rows]]]
    balance = chance.integers(limits[:, 0], limits[:, 1], endpoint=True)
    fen = 100 * np.minimum(chance.integers(low, high, size=len(rows), endpoint=True), balance)
    told = chance.random(len(rows)) < figures.BALANCE_TOLD
    weighty = (fen >= rules.money.least_fen) & (~told | (fen >= rules.money.least_share * 100 * balance))
    return _acts(chance, kind, rows[weighty], fen[weighty])


def _who(chance: np.random.Generator, census: Census, kind: str, count: int) -> Ints:
    if kind in _WITH_KOREA:
        korean = TABLE.language == kinds.LANGUAGES.index(Language.KOREAN)
        return census.rows(chance, count, korean, figures.FAMILY_IN_KOREA)
    jobs = figures.ORDINARY_JOBS.get(kind)
    among = [jobs is None or job in jobs for job in kinds.OCCUPATIONS]
    return census.rows(chance, count, np.array(among)[TABLE.occupation])
