"""The lower thresholds of a resident who is shielded after a loss: recovery scams target earlier victims."""

from datetime import datetime

from domain.policy.risk import ShieldRules
from domain.risk.weigh import Scene, fade
from schemas.codes.danger import LostBefore
from schemas.risk.evidence import Evidence, PriorLoss


def shielded_until(lost: PriorLoss | None, rules: ShieldRules | None) -> datetime | None:
    """Return the end of the time after a loss (the shield) in which the resident reaches levels earlier. None without a
    loss, or if the policy has no shield.

    The end is the earlier of two: by the policy when the loss became known, and by the policy in force (`rules`).
    """
    if rules is None or lost is None or lost.shielded_until is None:
        return None
    return min(lost.shielded_until, lost.at + rules.lasts)


def shield_bits(scene: Scene) -> float:
    """Return the bits that are added to the log-odds because the resident lost money recently; so each level is reached
    earlier. 0 if the time after the loss (the shield) is over, or without evidence that is like the loss.

    The bits are the policy's, times the remaining fraction of the freshest evidence like the loss. So they fade as that
    evidence does.
    """
    rules = scene.rules.shield
    return rules.bits * max(_fades(scene), default=0.0) if rules is not None else 0.0


def shield_reasons(scene: Scene) -> list[LostBefore]:
    """Return the one reason to be shown if levels are reached earlier after a loss at the scene's moment; an empty list
    if they are not.
    """
    until = shielded_until(scene.lost, scene.rules.shield)
    return [LostBefore(scene.lost.at, until)] if scene.lost is not None and until is not None and _fades(scene) else []


def _fades(scene: Scene) -> list[float]:
    """Return the remaining fraction (0 to 1) of each similar signal; empty if no shield lasts at the scene's moment."""
    lost, until = scene.lost, shielded_until(scene.lost, scene.rules.shield)
    if lost is None or until is None or not lost.at <= scene.now < until:
        return []
    return [fade(member, scene) for member in scene.members if _similar(member, lost, scene)]


def _similar(member: Evidence, lost: PriorLoss, scene: Scene) -> bool:
    """Return True if the evidence is from after the loss, and of a kind that the policy names or of the loss's type of
    scam.
    """
    rules = scene.rules
    if member.at <= lost.at or rules.shield is None:
        return False
    same = lost.scam_type == member.scam_type or lost.scam_type in rules.evidence[member.kind].hints
    return same or member.kind in rules.shield.kinds
