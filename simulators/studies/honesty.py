"""Compares the ledger's loss avoided with the truth, by evidence class, and measures how often intervals cover the
truth.

Classes A and B are confirmed by a bank and must never exceed the truth. C is a resident's word and D an estimate: for
these, intervals must cover the truth often enough. If a resident would have paid nothing more anyway, the truth is 0,
whatever D claims.

An interval learnt from the seeds on which it is tested, or from all of them but one, always covers its nominal share.
So each half of the seeds is tested with an interval learnt from the other half.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from domain.payments.ledger import EXPOSURE
from schemas.casework.cases import Case, LossAvoided
from schemas.levels import EvidenceClass
from schemas.people.residents import ResidentId
from simulators.world.truth import Life, Truth

SHARE = 0.95  # of an interval: 90 of 100 seeds are covered even though it is learnt from 50
COVERED = 0.9  # least share of seeds covered, for classes without a bank's confirmation
_WORD_OF_BANKS = (EvidenceClass.A, EvidenceClass.B)
_ROUNDED = 1e-9  # tolerance for rounding errors


@dataclass(frozen=True, slots=True)
class Figure:
    """The sums of one evidence class in fen. `claimed`: by the ledger; `true`: really avoided; `over`: by how much
    single claims exceed the truth (other claims do not offset it); `idle`: claimed where nothing was avoided.
    """

    claimed: int = 0
    true: int = 0
    over: int = 0
    idle: int = 0

    def plus(self, claimed: int, true: int) -> "Figure":
        """Return new sums that include one more claim: `claimed` fen, where `true` fen were really avoided (this may be
        more than claimed). The object itself is not changed.
        """
        idle = 0 if true else claimed
        return Figure(self.claimed + claimed, self.true + true, self.over + max(0, claimed - true), self.idle + idle)


Judged = Mapping[EvidenceClass, Figure]


def judge(cases: Iterable[Case], truth: Truth, now: datetime) -> Judged:
    """Compare the ledger's claims in all cases with the truth at `now`, and return the sums of both in fen, keyed by
    evidence class. Every class has an entry.

    In A, B and C each transfer is compared. In D, a resident's estimate is compared with the rest of the loss that they
    avoided.
    """
    found = dict.fromkeys(EvidenceClass, Figure())
    for resident, claims in _claims(cases).items():
        kept = kept_of(truth, truth.lives.get(resident), now)
        for evidence, claimed, true in _compared(claims, kept):
            found[evidence] = found[evidence].plus(claimed, true)
    return found


def kept_of(truth: Truth, life: Life | None, now: datetime) -> dict[str, int]:
    """Return how many fen of each payment certainly stay with the resident or are frozen by a bank, as known at `now`,
    keyed by the payment's uid; 0 for a lost payment.

    Payments that a dissuaded resident would have made after `now` are included. Empty if `life` is None.
    """
    if life is None:
        return {}
    fates = truth.fates(life, now)
    return {pay.uid: pay.amount_fen if fate.kept else life.frozen.get(pay.uid, 0) for pay, fate in fates}


def _claims(cases: Iterable[Case]) -> Mapping[ResidentId, list[tuple[str, LossAvoided]]]:
    found: defaultdict[ResidentId, list[tuple[str, LossAvoided]]] = defaultdict(list)
    for case in cases:
        found[case.resident].extend(case.kept.items())
    return found


def _compared(
    claims: Sequence[tuple[str, LossAvoided]], kept: Mapping[str, int]
) -> Iterator[tuple[EvidenceClass, int, int]]:
    named = {transfer for transfer, _ in claims}
    modelled = sum(claim.amount_fen for transfer, claim in claims if transfer == EXPOSURE)
    for transfer, claim in claims:
        if transfer != EXPOSURE:
            yield claim.evidence, claim.amount_fen, kept.get(transfer, 0)
    if modelled:
        yield EvidenceClass.D, modelled, sum(fen for transfer, fen in kept.items() if transfer not in named)


@dataclass(frozen=True, slots=True)
class Ratio:
    """The loss truly avoided as a share of the claimed loss: `mean`, and an interval from `low` to `high`. All may
    exceed 1.
    """

    low: float
    mean: float
    high: float

    def covers(self, figure: Figure) -> bool:
        """Return True if the figure's truth lies between `low` and `high` times its claims, both ends included."""
        return figure.claimed * self.low <= figure.true <= figure.claimed * self.high


def learnt(figures: Iterable[Figure], share: float = SHARE) -> Ratio:
    """Return the ratio of truth to claims in these figures, with an interval that covers `share` (0 to 1) of them.

    The interval is made of order statistics, without assuming a distribution. With too few figures, it spans from the
    least to the greatest ratio. Figures without a claim are left out. Raises ValueError if no figure has a claim.
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
class ClassHonesty:
    """The result of an evidence class over all seeds. `claims`: number of seeds with any claim; the other fields refer
    to these seeds only.

    `claimed`, `idle`, `counted`, `true`: means in fen: the ledger's claims, the claims where nothing was avoided, the
    claims as they may be reported (in A and B unchanged, in C and D times the ratio learnt from the other half of the
    seeds), and the truth. `over`: number of seeds with a claim above the truth; `coverage`: share (0 to 1) of seeds
    whose interval covers the truth, None with fewer than two seeds. `kept`: the ratio learnt from all seeds, None
    without claims. `honest`: True if the class may be believed.
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


def honesty_of(judged: Sequence[Judged], evidence: EvidenceClass) -> ClassHonesty:
    """Return how honest the claims of an evidence class are over all seeds. `judged`: for each seed, the claims and the
    truth by class, as `judge` returns them.

    A and B are honest if no claim is above the truth, C and D if the interval covers the truth in nine of ten seeds. A
    class without claims, or with too few to be tested, is not honest.
    """
    figures = [each[evidence] for each in judged if each[evidence].claimed]
    by_bank, told = evidence in _WORD_OF_BANKS, list(_told(figures))
    over = sum(figure.over > 0 for figure in figures)
    coverage = fmean(ratio.covers(figure) for figure, ratio in told) if told else None
    claimed = _mean(figure.claimed for figure in figures)
    return ClassHonesty(
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
    """Yield each figure with the ratio learnt from the other half of the seeds; nothing for a single figure."""
    halves = figures[::2], figures[1::2]
    for half, other in (halves, halves[::-1]) if halves[1] else ():
        ratio = learnt(other)
        yield from ((figure, ratio) for figure in half)


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return fmean(found) if found else 0.0
