"""The policy's rules of risk."""

from domain.policy.units import Section


class RiskRules(Section):
    """Evidence weights, half-lives, at-risk groups, thresholds."""
