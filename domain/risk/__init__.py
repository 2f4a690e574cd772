"""Risk: from signals to evidence, the risk of a set of evidence at a moment, and whether casework must be alerted.

The order and repetition of evidence do not change the risk. May import schemas, domain.policy and domain.ids. Called by
intake, screening and simulators.
"""

from domain.risk.alerts import alert_id, come_back, news, remembered
from domain.risk.evidence import (
    Role,
    SignalContext,
    about_contact,
    about_payer,
    callee_of,
    evidence_of,
    may_be_evidence,
    payer_of,
    reads_watchlist,
)
from domain.risk.score import Assessment, Outlook, assess, outlook, reported
from domain.risk.sets import bounded, merged, supersedes, version

__all__ = [
    "Assessment",
    "Outlook",
    "Role",
    "SignalContext",
    "about_contact",
    "about_payer",
    "alert_id",
    "assess",
    "bounded",
    "callee_of",
    "come_back",
    "evidence_of",
    "may_be_evidence",
    "merged",
    "news",
    "outlook",
    "payer_of",
    "reads_watchlist",
    "remembered",
    "reported",
    "supersedes",
    "version",
]
