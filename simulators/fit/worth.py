"""The features for learning weights: the multipliers of a policy's bits at a moment.

At any moment, the evidence's bits are a sum: each kind's bits times its remaining share after fading and its share
within its group; likewise for a call's length, a payment's state, and pairs that belong together. Which member of a
group is strongest depends on the given policy.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from domain.policy.risk import RiskRules
from domain.risk.weigh import Scene, bits, end, fade, fused_bits, live
from schemas.risk.evidence import Evidence, EvidenceKind
from schemas.risk.signals import TransferState

LONG, ONGOING = "call.long_bits", "call.ongoing_bits"
MOVING, SHARE = "money.moving_bits", "money.share_bits"

# As in domain/risk/weigh.py; a test checks that the sums are equal.
_CALLS = (
    EvidenceKind.CALL_OVERSEAS,
    EvidenceKind.CALL_GOIP,
    EvidenceKind.CALL_SPOOFED,
    EvidenceKind.SUSPECT_CALLER,
    EvidenceKind.RATED_CALLER,
)
_PAYEES = (EvidenceKind.SUSPECT_PAYEE, EvidenceKind.REPORTED_PAYEE)


def of_kind(kind: EvidenceKind) -> str:
    """Return the name under which the bits of a kind of evidence are listed: "evidence.scam_sms"."""
    return f"evidence.{kind.value}"


def together(number: int) -> str:
    """Return the name under which the bits of the [[risk.together]] rule number `number` (from 0) are listed:
    "together.0".
    """
    return f"together.{number}"


def set_by_hand(rules: RiskRules) -> dict[str, float]:
    """Return the bits in a policy's risk rules, keyed by name, in the order of the policy's text: those of the kinds of
    evidence, of calls, of money, and of the rules on pairs.
    """
    return {
        **{of_kind(kind): weight.bits for kind, weight in rules.evidence.items()},
        LONG: rules.call.long_bits,
        ONGOING: rules.call.ongoing_bits,
        MOVING: rules.money.moving_bits,
        SHARE: rules.money.share_bits,
        **{together(number): rule.bits for number, rule in enumerate(rules.together)},
    }


def with_bits(rules: RiskRules, bits: Mapping[str, float]) -> RiskRules:
    """Return a copy of the rules with these bits (by name) in place of their own; other bits stay, and unknown names
    are ignored. The result is not validated, unlike that of `write.candidate`.
    """
    kinds = {
        kind: weight.model_copy(update={"bits": bits.get(of_kind(kind), weight.bits)})
        for kind, weight in rules.evidence.items()
    }
    pairs = [
        rule.model_copy(update={"bits": bits.get(together(number), rule.bits)})
        for number, rule in enumerate(rules.together)
    ]
    call = {
        "long_bits": bits.get(LONG, rules.call.long_bits),
        "ongoing_bits": bits.get(ONGOING, rules.call.ongoing_bits),
    }
    money = {
        "moving_bits": bits.get(MOVING, rules.money.moving_bits),
        "share_bits": bits.get(SHARE, rules.money.share_bits),
    }
    return rules.model_copy(
        update={
            "evidence": kinds,
            "together": pairs,
            "call": rules.call.model_copy(update=call),
            "money": rules.money.model_copy(update=money),
        }
    )


def worth(scene: Scene) -> Mapping[str, float]:
    """Return by name what each of the policy's bits is multiplied by at the moment of `scene`; a name that adds nothing
    is missing. The sum of bits times multipliers is the weight of the evidence in bits.
    """
    found: defaultdict[str, float] = defaultdict(float)
    for member, share in _shares(scene):
        left = share * fade(member, scene)
        found[of_kind(member.kind)] += left
        for name, times in _extras(member, scene):
            found[name] += left * times
    for number, rule in enumerate(scene.rules.together):
        if fused := fused_bits(rule, scene):
            found[together(number)] = fused / rule.bits
    return found


def summed(worths: Sequence[Mapping[str, float]], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Return an array with one number for each element of `worths`: the sum of its multipliers times `weights` (both by
    name, weights in bits). A name without a weight counts 0.
    """
    sums = [math.fsum(weights.get(name, 0.0) * times for name, times in each.items()) for each in worths]
    return np.asarray(sums)


def _shares(scene: Scene) -> Iterator[tuple[Evidence, float]]:
    """Yield each piece of evidence with its share: the strongest of a group 1, the others `repeat`, reduced so that
    they stay within `cap`.
    """
    for name, worths in _groups(scene).items():
        ranked = sorted(worths.values(), key=itemgetter(0), reverse=True)
        rule, rest = scene.rules.groups[name], math.fsum(each for each, _ in ranked[1:])
        share = min(rule.repeat, rule.cap / rest) if rest else 0.0
        yield ranked[0][1], 1.0
        yield from ((member, share) for _, member in ranked[1:])


def _groups(scene: Scene) -> Mapping[str, dict[str, tuple[float, Evidence]]]:
    """Return by group, then by signal, (bits, evidence) of the signal's strongest piece, because a signal counts once
    in a group.
    """
    found: defaultdict[str, dict[str, tuple[float, Evidence]]] = defaultdict(dict)
    for member in scene.members:
        group, signal = found[scene.rules.evidence[member.kind].group], member.id.rpartition("~")[0]
        each = bits(member, scene)
        if signal not in group or each > group[signal][0]:
            group[signal] = each, member
    return found


def _extras(member: Evidence, scene: Scene) -> Iterator[tuple[str, float]]:
    """Yield (name, multiplier) of the bits that a piece of evidence adds to those of its kind."""
    if member.kind in _CALLS:
        if end(member, scene) - member.at >= scene.rules.call.long:
            yield LONG, 1.0
        if live(member, scene):
            yield ONGOING, 1.0
    if member.kind in _PAYEES and member.state is not TransferState.SETTLED:
        yield MOVING, 1.0
    if member.kind is EvidenceKind.NEW_PAYEE and member.balance_fen:
        yield SHARE, min(1.0, (member.amount_fen or 0) / member.balance_fen)
