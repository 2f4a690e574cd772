"""The policy's plans: each level's steps and clocks."""

from domain.policy.units import Section


class Plan(Section):
    """Steps by level, and what follows a result."""
