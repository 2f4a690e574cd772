"""Assesses evidence at a moment: the probability of fraud, the sum at risk, the scam type and the reasons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.policy.risk import RiskRules
from domain.risk.reasons import reasons
from domain.risk.scams import likeliest, profile_bits
from domain.risk.weigh import Scene, bits, evidence_bits, fused_bits, live
from schemas.base import MOST_FEN
from schemas.casework.cases import Danger, Payment, Profile
from schemas.levels import RISING, Level
from schemas.risk.evidence import Evidence, EvidenceKind, WatchStatus
from schemas.risk.signals import TransferState

REPORTED = "reported~own_report"
"""The id of the evidence of a report that a person took down."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """A resident's danger (None: below every level), the payments concerned, and when to assess again.

    `rescore_at`: the next moment at which the level rises without a new signal, or None.
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
) -> Assessment:
    """Return the assessment at `now`. Payments are listed from level orange on.

    Evidence known at `settled`, when the last case was settled, counts at the policy's residual only. The order and
    repetition of `evidence` do not matter, and withdrawn evidence does not count.
    """
    standing = {member.id: member for member in evidence if not member.withdrawn}
    if not standing:
        return Assessment(None, [], None)
    members = tuple(sorted(standing.values(), key=lambda member: (member.at, member.id)))
    scene = Scene(members, profile, rules, now, settled)
    odds = _odds(scene)
    level = _level(odds, rules)
    if level is None:
        return Assessment(None, [], _rescore_at(scene, level))
    payments = _payments(scene) if level.rank >= Level.ORANGE.rank else []
    return Assessment(_danger(scene, level, odds, payments), payments, _rescore_at(scene, level))


def reported(profile: Profile, payments: Sequence[Payment], rules: RiskRules, now: datetime) -> Danger:
    """Return the danger of a resident who reports a fraud of which the feeds may know nothing: red, and as probable as
    red begins.
    """
    report = Evidence(id=REPORTED, kind=EvidenceKind.OWN_REPORT, at=now, partition=0, offset=0)
    scene = Scene((report,), profile, rules, now, None)
    return _danger(scene, Level.RED, rules.levels[Level.RED], payments)


def _danger(scene: Scene, level: Level, odds: float, payments: Sequence[Payment]) -> Danger:
    weighty = sorted(scene.members, key=lambda member: (-bits(member, scene), member.id))
    fused = [rule.words for rule in scene.rules.together if fused_bits(rule, scene)]
    return Danger(
        level=level,
        probability=1 / (1 + 2.0**-odds),
        exposure_fen=_exposure(scene, payments),
        scam_type=likeliest(scene),
        reasons=reasons(weighty, fused, scene.now, scene.rules.call.most),
        campaign=next((member.campaign for member in weighty if member.campaign), None),
        call_since=min((member.at for member in scene.members if live(member, scene)), default=None),
    )


def _odds(scene: Scene) -> float:
    """Return the log-odds in bits: the prior's, the evidence's and the profile's."""
    return scene.rules.prior + evidence_bits(scene) + profile_bits(scene)


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


def _exposure(scene: Scene, payments: Sequence[Payment]) -> int:
    """Return the fen at risk: the payments plus such a resident's typical balance, at most MOST_FEN."""
    paid = sum(payment.amount_fen for payment in payments)
    return min(MOST_FEN, paid + scene.rules.money.balances[scene.profile.balance])
