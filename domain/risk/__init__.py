"""From signals to danger: evidence as a set, its risk at a moment, and whether casework must be told.

Any order of the same evidence and any repetition of it gives the same risk.
"""

from domain.risk.alerts import alert_id, come_back, news, remembered
from domain.risk.evidence import Role, Seen, about_payer, evidence_of, payer_of, reads_watchlist, telling
from domain.risk.score import Assessment, assess
from domain.risk.sets import bounded, merged, supersedes, version

__all__ = [
    "Assessment",
    "Role",
    "Seen",
    "about_payer",
    "alert_id",
    "assess",
    "bounded",
    "come_back",
    "evidence_of",
    "merged",
    "news",
    "payer_of",
    "reads_watchlist",
    "remembered",
    "supersedes",
    "telling",
    "version",
]
