"""The ledger's money beside the truth that the province knows: by class, and how well an interval covers it.

Class A and B are a bank's word and must never be over the truth. C is a resident's word, D a model; of these it is
asked how often an interval covers the truth. Whoever would have paid nothing anyway, since nothing more was ever asked
for, is true with 0 there, whatever D says.

An interval that is learnt from the very seeds it is judged on, or from all of these but one, covers as many as its
share says, whatever the figures are. So the seeds are taken in two halves, and each is judged by what the other taught.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from domain.payments.ledger import EXPOSURE
from schemas.casework.cases import Case, Kept
from schemas.levels import EvidenceClass
from schemas.people.residents import ResidentId
from simulators.world.truth import Life, Truth

SHARE = 0.95  # of an interval: so that 90 of 100 are covered although it is learnt from 50
COVERED = 0.9  # of the seeds, at the least, where a class is no bank's word
_WORD_OF_BANKS = (EvidenceClass.A, EvidenceClass.B)
_ROUNDED = 1e-9  # a whole number that is a hair off is that number


@dataclass(frozen=True, slots=True)
class Figure:
    """One class, in fen: what the ledger claims, what was truly kept of just that, and how far claims are over it.

    What one claim is over another's being under does not make up for. `idle`: claimed where nothing at all was kept.
    """

    claimed: int = 0
    true: int = 0
    over: int = 0
    idle: int = 0

    def plus(self, claimed: int, true: int) -> "Figure":
        """With one more claim."""
        idle = 0 if true else claimed
        return Figure(self.claimed + claimed, self.true + true, self.over + max(0, claimed - true), self.idle + idle)


Judged = Mapping[EvidenceClass, Figure]


def judge(cases: Iterable[Case], truth: Truth, now: datetime) -> Judged:
    """The ledger's claims of all cases, each as it stands, beside what is true at `now`.

    Of A, B and C each transfer is compared with itself; of D a resident's estimate with what he kept beyond those.
    """
    found = dict.fromkeys(EvidenceClass, Figure())
    for resident, claims in _claims(cases).items():
        kept = kept_of(truth, truth.lives.get(resident), now)
        for evidence, claimed, true in _compared(claims, kept):
            found[evidence] = found[evidence].plus(claimed, true)
    return found


def kept_of(truth: Truth, life: Life | None, now: datetime) -> dict[str, int]:
    """By payment the fen that stayed with the resident for certain, or that a bank holds."""
    if life is None:
        return {}
    fates = truth.fates(life, now)
    return {pay.uid: pay.amount_fen if fate.kept else life.frozen.get(pay.uid, 0) for pay, fate in fates}


def _claims(cases: Iterable[Case]) -> Mapping[ResidentId, list[tuple[str, Kept]]]:
    found: defaultdict[ResidentId, list[tuple[str, Kept]]] = defaultdict(list)
    for case in cases:
        found[case.resident].extend(case.kept.items())
    return found


def _compared(claims: Sequence[tuple[str, Kept]], kept: Mapping[str, int]) -> Iterator[tuple[EvidenceClass, int, int]]:
    named = {transfer for transfer, _ in claims}
    modelled = sum(claim.amount_fen for transfer, claim in claims if transfer == EXPOSURE)
    for transfer, claim in claims:
        if transfer != EXPOSURE:
            yield claim.evidence, claim.amount_fen, kept.get(transfer, 0)
    if modelled:
        yield EvidenceClass.D, modelled, sum(fen for transfer, fen in kept.items() if transfer not in named)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Of a yuan that is claimed so much is truly kept: on average, and within these bounds."""

    low: float
    mean: float
    high: float

    def covers(self, figure: Figure) -> bool:
        return figure.claimed * self.low <= figure.true <= figure.claimed * self.high


def learnt(figures: Iterable[Figure], share: float = SHARE) -> Ratio:
    """Where the truth behind a claim lies, by the ratios of truth to claim of these figures.

    The ratios' own order statistics: nothing is supposed of their distribution. Where there are too few of them for
    the share, it is from the least to the greatest. Raises ValueError when there are none.
    """
    claims = [figure for figure in figures if figure.claimed]
    if not claims:
        raise ValueError("there is no claim to learn the interval from")
    ratios = sorted(figure.true / figure.claimed for figure in claims)
    mean = sum(figure.true for figure in claims) / sum(figure.claimed for figure in claims)
    low = math.floor((1 - share) / 2 * (len(ratios) + 1) + _ROUNDED)
    high = math.ceil((1 + share) / 2 * (len(ratios) + 1) - _ROUNDED)
    return Ratio(ratios[max(low, 1) - 1], mean, ratios[min(high, len(ratios)) - 1])


@dataclass(frozen=True, slots=True)
class Verdict:
    """A class over all seeds. `claims`: the seeds in which it claims anything, which the other figures are about.

    Sums are means of these seeds, in fen. `counted`: what a figure that may be told makes of the claims: a bank's word
    as it is, of the others what the other half of the seeds says is kept of a yuan claimed. `kept` is learnt from all
    of them. `over`: seeds with a claim over the truth; `coverage`: the share of the seeds whose interval covers it.
    """

    evidence: EvidenceClass
    claims: int
    over: int
    coverage: float | None
    claimed: float
    idle: float
    counted: float
    true: float
    kept: Ratio | None
    honest: bool


def verdict(judged: Sequence[Judged], evidence: EvidenceClass) -> Verdict:
    """Whether a class is honest: a bank's word never over the truth, of the others nine in ten seeds covered.

    A class that claims nothing anywhere, or too little to be judged, has not been shown to be honest.
    """
    figures = [each[evidence] for each in judged if each[evidence].claimed]
    by_bank, told = evidence in _WORD_OF_BANKS, list(_told(figures))
    over = sum(figure.over > 0 for figure in figures)
    coverage = fmean(ratio.covers(figure) for figure, ratio in told) if told else None
    claimed = _mean(figure.claimed for figure in figures)
    return Verdict(
        evidence=evidence,
        claims=len(figures),
        over=over,
        coverage=coverage,
        claimed=claimed,
        idle=_mean(figure.idle for figure in figures),
        counted=claimed if by_bank else _mean(figure.claimed * ratio.mean for figure, ratio in told),
        true=_mean(figure.true for figure in figures),
        kept=learnt(figures) if figures else None,
        honest=bool(figures) and over == 0 if by_bank else coverage is not None and coverage >= COVERED,
    )


def _told(figures: Sequence[Figure]) -> Iterator[tuple[Figure, Ratio]]:
    """Each figure with the ratio that the half of the seeds teaches which it is not in; none for one alone."""
    halves = figures[::2], figures[1::2]
    for half, other in (halves, halves[::-1]) if halves[1] else ():
        ratio = learnt(other)
        yield from ((figure, ratio) for figure in half)


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return fmean(found) if found else 0.0
