"""The case's state machine: decide(case, input, rules, now) returns the new case, its facts and its dispatches."""

from domain.casework.draft import Decision, Rules
from domain.casework.machine import decide, lift
from domain.casework.views import awaited, deadlines, has_held, queue_rank, settled_at, shield_of

__all__ = [
    "Decision",
    "Rules",
    "awaited",
    "deadlines",
    "decide",
    "has_held",
    "lift",
    "queue_rank",
    "settled_at",
    "shield_of",
]
