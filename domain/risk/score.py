"""Assesses evidence at a moment: the probability of fraud, the sum at risk, the scam type and the reasons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.calendar import local_date
from domain.policy.risk import RiskRules
from domain.risk.reasons import MOST, reasons
from domain.risk.scams import likeliest, profile_bits
from domain.risk.shield import shield_bits, shield_reasons
from domain.risk.weigh import Scene, bits, evidence_bits, fused_bits, live
from schemas.base import MOST_FEN
from schemas.casework.cases import Danger, Payment, Profile
from schemas.codes.danger import DangerCode
from schemas.levels import RISING, Level
from schemas.risk.evidence import Evidence, EvidenceKind, PriorLoss, WatchStatus
from schemas.risk.signals import TransferState

REPORTED = "reported~own_report"
"""The id of the evidence of a report that a person took down."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The danger of a resident at a moment (`danger`; None: below every level), and the payments concerned, the oldest
    first.

    `rescore_at`: the next time at which the level rises without a new signal, because an ongoing call becomes long;
    None if it does not.
    """

    danger: Danger | None
    payments: list[Payment]
    rescore_at: datetime | None


def assess(
    evidence: Iterable[Evidence],
    profile: Profile,
    rules: RiskRules,
    now: datetime,
    settled: datetime | None = None,
    lost: PriorLoss | None = None,
) -> Assessment:
    """Return how great a resident's danger is at `now`, by all their evidence. The order of `evidence` and repetitions
    do not matter, and withdrawn evidence does not count.

    The result has no danger if no level is reached, and no payments below level orange.

    `profile`: the resident's age and circumstances. `settled`: when the resident's last case was settled, or None;
    evidence known by then counts with a part of its weight (the policy's residual). `lost`: the resident's latest
    loss, or None; for a time after a loss (the shield, `rules.shield`), evidence like that of the loss reaches each
    level at lower odds.
    """
    standing = {member.id: member for member in evidence if not member.withdrawn}
    if not standing:
        return Assessment(None, [], None)
    members = tuple(sorted(standing.values(), key=lambda member: (member.at, member.id)))
    scene = Scene(members, profile, rules, now, settled, lost)
    odds = _odds(scene)
    level = _level(odds, rules)
    if level is None:
        return Assessment(None, [], _rescore_at(scene, level))
    payments = _payments(scene) if level.rank >= Level.ORANGE.rank else []
    return Assessment(_danger(scene, level, odds, payments), payments, _rescore_at(scene, level))


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the evidence about a resident says at any odds, below every level too. `probability`: of fraud, 0 to 1;
    `may_lose_fen`: what may still be lost: payments that are not settled, plus the usual loss of the scam type;
    `reasons`: the gravest first.
    """

    probability: float
    may_lose_fen: int
    scam_type: str
    reasons: list[DangerCode]

    @property
    def expected_fen(self) -> int:
        """The expected further loss in fen, rounded: the probability times what may still be lost."""
        return round(self.probability * self.may_lose_fen)


def outlook(
    evidence: Iterable[Evidence],
    profile: Profile,
    rules: RiskRules,
    now: datetime,
    settled: datetime | None = None,
) -> Outlook | None:
    """Return the outlook of a resident at `now`, from the same weights as `assess`. None if there is no evidence, or
    all of it is withdrawn.

    `settled`: as for `assess`. How recent a contact is counts through the evidence's half-life. A shield after a loss
    is not applied.
    """
    standing = {member.id: member for member in evidence if not member.withdrawn}
    if not standing:
        return None
    members = tuple(sorted(standing.values(), key=lambda member: (member.at, member.id)))
    scene = Scene(members, profile, rules, now, settled)
    found = _danger(scene, RISING[-1], _odds(scene), _payments(scene))
    return Outlook(found.probability, found.exposure_fen, found.scam_type, found.reasons)


def reported(profile: Profile, payments: Sequence[Payment], rules: RiskRules, now: datetime) -> Danger:
    """Return the danger of a resident who reports a fraud that no feed may have reported: level red, with the
    probability at red's threshold.

    `payments`: the payments in the report; those that are not settled add to the sum at risk.
    """
    report = Evidence(id=REPORTED, kind=EvidenceKind.OWN_REPORT, at=now, partition=0, offset=0)
    scene = Scene((report,), profile, rules, now, None)
    return _danger(scene, Level.RED, rules.levels[Level.RED], payments)


def _danger(scene: Scene, level: Level, odds: float, payments: Sequence[Payment]) -> Danger:
    """Return the danger at `level`. A shield lowers thresholds and says nothing about this signal, so the probability
    is without its bits. `odds`: with them.
    """
    weighty = sorted(scene.members, key=lambda member: (-bits(member, scene), member.id))
    scam_type = likeliest(scene)
    fused = [rule.words for rule in scene.rules.together if fused_bits(rule, scene)]
    return Danger(
        level=level,
        probability=1 / (1 + 2.0 ** (shield_bits(scene) - odds)),
        exposure_fen=_exposure(scene, payments, scam_type),
        scam_type=scam_type,
        reasons=[*shield_reasons(scene), *reasons(weighty, fused, scene.now, scene.rules.call.most)][:MOST],
        campaign=next((member.campaign for member in weighty if member.campaign), None),
        call_since=min((member.at for member in scene.members if live(member, scene)), default=None),
    )


def _odds(scene: Scene) -> float:
    """Return the log-odds in bits: the prior's, the evidence's, the profile's and the shield's."""
    return scene.rules.prior + evidence_bits(scene) + profile_bits(scene) + shield_bits(scene)


def _level(odds: float, rules: RiskRules) -> Level | None:
    reached = [level for level in RISING if odds >= rules.levels[level]]
    return reached[-1] if reached else None


def _rescore_at(scene: Scene, level: Level | None) -> datetime | None:
    """Return the first moment at which an ongoing call, having become long, raises the level, or None."""
    calls = (member.at + scene.rules.call.long for member in scene.members if live(member, scene))
    for moment in sorted({moment for moment in calls if moment > scene.now}):
        then = _level(_odds(replace(scene, now=moment)), scene.rules)
        if then is not None and (level is None or then.rank > level.rank):
            return moment
    return None


def _payments(scene: Scene) -> list[Payment]:
    """Return each payment of the window once, in its furthest known state, the oldest first."""
    by_transfer: dict[str, Payment] = {}
    for member in scene.members:
        if member.transfer is None or member.at < scene.now - scene.rules.money.window:
            continue
        payment = _payment(member, member.transfer)
        known = by_transfer.get(payment.transfer)
        if known is None or payment.state.stage > known.state.stage:
            by_transfer[payment.transfer] = payment
    return [payment.model_copy(update={"watched": _watched(scene, name)}) for name, payment in by_transfer.items()]


def _watched(scene: Scene, transfer: str) -> WatchStatus | None:
    """Return what the watchlist says of the payee of a transfer."""
    kinds = {member.kind for member in scene.members if member.transfer == transfer}
    if EvidenceKind.SUSPECT_PAYEE in kinds:
        return WatchStatus.CONFIRMED
    return WatchStatus.REPORTED if EvidenceKind.REPORTED_PAYEE in kinds else None


def _payment(member: Evidence, transfer: str) -> Payment:
    return Payment(
        transfer=transfer,
        payee=member.payee or "",
        amount_fen=member.amount_fen or 0,
        at=member.at,
        state=member.state or TransferState.ATTEMPTED,
    )


def _exposure(scene: Scene, payments: Sequence[Payment], scam_type: str) -> int:
    """Return the fen at risk, at most MOST_FEN: the payments that are not settled, plus the usual loss of this type of
    scam at the resident's age.
    """
    under_way = sum(payment.amount_fen for payment in payments if payment.state is not TransferState.SETTLED)
    age = local_date(scene.now).year - scene.profile.birth_year
    return min(MOST_FEN, under_way + scene.rules.loss.of(scam_type, age))
