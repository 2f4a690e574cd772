"""The policy's risk rules. Weights are in bits: log2 of a likelihood ratio, so +1 doubles the odds."""

import math
from collections.abc import Set
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from domain.policy.faults import FaultCode, refused
from domain.policy.units import Duration, Section, spelt
from schemas.base import MOST_FEN, Fen, Text, Token
from schemas.casework.cases import Profile
from schemas.levels import RISING, Level
from schemas.people.residents import BalanceBand, Occupation, Sex
from schemas.risk.evidence import EvidenceKind

MOST_VENDORS = 8  # each is one more look-up for every call
MOST_WITHOUT_ASKING = 5_000  # payments whose distinct payers are counted: the most that one script reads

LEAST_SHIELD, MOST_SHIELD = timedelta(days=1), timedelta(days=366)
SOONEST_CALL = timedelta(hours=1)
MOST_CALLS = 12

Bits = Annotated[float, Field(ge=0, le=40)]


class Weight(Section):
    """The weight of one kind of evidence. `bits`: what a new piece adds to the log-odds, if it is the strongest of its
    group; `half_life`: the age at which a piece adds half of this.

    `group`: the name of its Group, the kinds with the same meaning, whose further pieces count less. `hints`: the bits
    that the evidence adds to types of scam, by type; only the freshest piece of the kind counts for them.
    """

    group: Token
    bits: Annotated[float, Field(gt=0, le=40)]
    half_life: Duration
    hints: dict[Token, Bits] = Field(default_factory=dict)


class Group(Section):
    """Kinds of evidence with the same meaning. After the strongest piece, the others count `repeat` (0 to 1) of their
    bits, together at most `cap` bits. Of pieces from one signal, only the strongest counts.
    """

    repeat: Annotated[float, Field(ge=0, le=1)]
    cap: Bits


class Call(Section):
    """The bits that a call adds beside those of its kind: `long_bits` if it lasts at least `long`, and `ongoing_bits`
    while it goes on.

    `most`: a call without a reported end counts as ended after this time, or after its known duration if that is
    longer.
    """

    long: Duration
    long_bits: Bits
    ongoing_bits: Bits
    most: Duration


class Money(Section):
    """The bits that a payment adds beside those of its kind.

    `window`: how long an alert lists a payment, and how long before a watchlist entry of its payee a payment may have
    been made to alert its payer. `moving_bits`: for a payment to a suspect or reported payee that is not settled yet.
    `least_fen`, `least_share`: a payment to a new payee counts from this sum (fen) and this share of the balance (0 to
    1) on; if the balance is unknown, from the sum alone. `share_bits`: added to it, times its share of the balance (at
    most 1); nothing if the balance is unknown. `balances`: the assumed money (fen) of each balance band, by which the
    queue ranks cases; it is never displayed.
    """

    window: Duration
    moving_bits: Bits
    least_fen: Fen
    least_share: Annotated[float, Field(ge=0, le=1)]
    share_bits: Bits
    balances: dict[BalanceBand, Fen]


class Together(Section):
    """Extra `bits` if evidence of a kind in `second` occurs during evidence of a kind in `first`, or at most `within`
    after it.

    The bits are multiplied by the remaining fraction of the pair's weaker piece: what is left of it by its age, times
    its share if vendors' verdicts give it. Of several pairs, only the strongest counts. `words`: the reason shown to
    people.
    """

    first: frozenset[EvidenceKind]
    second: frozenset[EvidenceKind]
    within: Duration
    bits: Bits
    words: Text


class Verdicts(Section):
    """Vendors' verdicts about telephone numbers. `vendors`: how far each is believed (0 to 1), by its name as a source;
    verdicts of others do not count.

    `nuisance`: the fraction of a scam verdict that a verdict of nuisance counts. `least`: the combined share (0 to 1)
    from which a number's calls are evidence. `longest`: how long a verdict counts at most, whatever its vendor says.
    """

    vendors: Annotated[dict[Token, Annotated[float, Field(ge=0, le=1)]], Field(max_length=MOST_VENDORS)] = Field(
        default_factory=dict
    )
    nuisance: Annotated[float, Field(ge=0, le=1)] = 0.2
    least: Annotated[float, Field(gt=0, le=1)] = 0.5
    longest: Duration = timedelta(days=90)


class Upstream(Section):
    """Finding people who had contact with a suspect before anybody confirmed it. Earlier payers of an account are found
    within `money.window`.

    `calls`: how long before the confirmation of a telephone number its calls may have been, at most `money.window`;
    left out: calls are not stored, and only accounts reach back. `least_call`: the shortest call that is stored.
    `people`: the most people on a suspect's list, those in the greatest danger; assumed.
    """

    calls: Duration | None = None
    least_call: Duration = timedelta(minutes=1)
    people: Annotated[int, Field(ge=1, le=1_000)] = 200


class Scam(Section):
    """A type of scam. `name`: the name for operators. `share`: its share of all cases (0 to 1)."""

    name: str
    share: Annotated[float, Field(ge=1e-6, le=1)]


class AtRisk(Section):
    """A group of people that is at another risk of fraud than the population. `ratio`: how often a member of the group
    is defrauded, as a multiple of how often an average person is: 2 means twice as often, 0.5 half as often. `scam`:
    the type of scam that the ratio is about; None: any.

    `sex`, `ages` (inclusive), `occupations`: the members; left out: any. `source`: the source of the ratio.
    """

    scam: Token | None = None
    sex: Sex | None = None
    ages: tuple[int, int] | None = None
    occupations: frozenset[Occupation] = frozenset()
    ratio: Annotated[float, Field(ge=0.01, le=100)]
    source: Annotated[str, Field(min_length=3)]

    def fits(self, profile: Profile, year: int) -> bool:
        """Return True if the resident belongs to the group in that year. The age is the year less the year of birth."""
        low, high = self.ages or (0, 200)
        return (
            self.sex in (None, profile.sex)
            and low <= year - profile.birth_year <= high
            and (not self.occupations or profile.occupation in self.occupations)
        )


class AgeLoss(Section):
    """The factor (`times`) on the mean loss of victims whose age in years is within `ages` (inclusive)."""

    ages: tuple[int, int]
    times: Annotated[float, Field(ge=0.01, le=100)]


class Losses(Section):
    """The loss that a scam is expected to cause, an estimate: a resident's own money is never used for it.

    `scams`: the mean in fen by scam type. `usual`: the mean of other types. `ages`: factors by the resident's age; the
    first that has the age counts, and other ages have factor 1.
    """

    usual: Fen
    scams: dict[Token, Fen] = Field(default_factory=dict)
    ages: Annotated[list[AgeLoss], Field(default_factory=list, max_length=20)]

    def of(self, scam: str, age: int) -> int:
        """Return the expected loss (fen, at most MOST_FEN) of a case of this scam type with a resident of this age in
        years.
        """
        times = next((band.times for band in self.ages if band.ages[0] <= age <= band.ages[1]), 1.0)
        return min(MOST_FEN, round(self.scams.get(scam, self.usual) * times))


def _rising(calls: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    return tuple(sorted(set(calls)))


class ShieldRules(Section):
    """Protection after a loss, for `lasts` (1 to 366 days) from when the loss became known. Recovery scams target
    people who were defrauded before.

    `threshold_factor`: the fraction of each level's usual odds (above 0, at most 1) that is enough while a similar
    signal is fresh; the thresholds rise back as it fades. A signal from after the loss is similar if its kind is in
    `kinds`, or points to the type of scam of the loss. `support_calls`: how long after the loss each support call is
    made, from 1 hour to `lasts`, in any order.
    """

    lasts: Duration
    threshold_factor: Annotated[float, Field(gt=0, le=1)]
    kinds: frozenset[EvidenceKind] = frozenset()
    support_calls: Annotated[tuple[Duration, ...], Field(max_length=MOST_CALLS), AfterValidator(_rising)] = ()

    @property
    def bits(self) -> float:
        """By how many bits of log-odds each level's threshold is lowered for a shielded resident while a similar signal
        is fresh; at least 0.
        """
        return -math.log2(self.threshold_factor)

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        if not LEAST_SHIELD <= self.lasts <= MOST_SHIELD:
            raise refused(FaultCode.NOT_BETWEEN, key="lasts", least=spelt(LEAST_SHIELD), most=spelt(MOST_SHIELD))
        if any(not SOONEST_CALL <= after <= self.lasts for after in self.support_calls):
            raise refused(FaultCode.NOT_BETWEEN, key="support_calls", least=spelt(SOONEST_CALL), most=spelt(self.lasts))
        return self


class RiskRules(Section):
    """The risk rules: weights of evidence, half-lives, at-risk groups and thresholds.

    `prior`, `levels` (the threshold of each): log-odds in bits. `residual`: the fraction (0 to 1) of evidence that
    counts after its case was settled. `keep`: how long a resident's evidence is kept after the last addition. `bound`:
    the most pieces of each kind that are kept. `payers_without_asking`: if a watchlist entry would alert more earlier
    payers, or its account got over 5,000 payments, a person is asked. `profile_bits`: the most bits by which groups may
    change the odds, up or down. `verdicts`: vendors' verdicts about telephone numbers. `upstream`: how
    people are found who had contact with a suspect earlier. `evidence`: weights by kind. `groups`: groups of kinds by
    name. `together`: extra bits of pairs. `scams`: types of scam by name. `at_risk`:
    groups of residents. `policy`, `shield`: the digest and the shield section of the whole policy, set by
    `load`.
    """

    prior: Annotated[float, Field(ge=-40, le=0)]
    residual: Annotated[float, Field(ge=0, le=1)]
    bound: Annotated[int, Field(ge=8, le=128)]
    keep: Duration
    payers_without_asking: Annotated[int, Field(ge=0, le=MOST_WITHOUT_ASKING)]
    profile_bits: Annotated[float, Field(ge=0, le=4)]
    levels: dict[Level, float]
    call: Call
    money: Money
    verdicts: Verdicts = Verdicts()
    upstream: Upstream = Upstream()
    groups: dict[Token, Group]
    evidence: dict[EvidenceKind, Weight]
    together: list[Together] = Field(default_factory=list)
    scams: Annotated[dict[Token, Scam], Field(min_length=1)]
    loss: Losses
    # More could overflow a float when multiplied.
    at_risk: Annotated[list[AtRisk], Field(default_factory=list, max_length=100)]
    policy: str | None = None
    shield: ShieldRules | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        _needs("levels", set(Level), set(self.levels))
        _needs("evidence", set(EvidenceKind), set(self.evidence))
        _needs("money.balances", set(BalanceBand), set(self.money.balances))
        thresholds = [self.levels[level] for level in RISING]
        if thresholds != sorted(set(thresholds)):
            raise refused(FaultCode.LEVELS_NOT_RISING, key="levels", given=thresholds)
        return self

    @model_validator(mode="after")
    def _takes_time(self) -> Self:
        halved = {f"evidence.{kind}.half_life": weight.half_life for kind, weight in self.evidence.items()}
        for key, span in ({"call.long": self.call.long} | halved).items():
            if span <= timedelta(0):
                raise refused(FaultCode.NO_TIME, key=key)
        return self

    @model_validator(mode="after")
    def _reaches_back(self) -> Self:
        """Check that calls are looked for in a time for which they are stored."""
        calls = self.upstream.calls
        if calls is not None and not timedelta(0) < calls <= self.money.window:
            raise refused(
                FaultCode.NOT_BETWEEN, key="upstream.calls", least=spelt(timedelta(0)), most=spelt(self.money.window)
            )
        return self

    @model_validator(mode="after")
    def _known(self) -> Self:
        """Check that every group and scam type that is named is defined."""
        for kind, weight in self.evidence.items():
            if weight.group not in self.groups:
                raise refused(FaultCode.UNKNOWN_GROUP, key=f"evidence.{kind}", name=weight.group)
        hinted = {scam for weight in self.evidence.values() for scam in weight.hints}
        named = hinted | {group.scam for group in self.at_risk if group.scam} | set(self.loss.scams)
        if unknown := named - set(self.scams):
            raise refused(FaultCode.UNKNOWN_SCAMS, names=sorted(unknown))
        return self


def _needs(where: str, wanted: Set[str], found: Set[str]) -> None:
    if missing := sorted(wanted - found):
        raise refused(FaultCode.KEYS_MISSING, key=where, names=missing)
