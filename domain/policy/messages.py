"""The policy's words to residents."""

from domain.policy.units import Section


class Messages(Section):
    """Templates by language."""
