"""What became of questions to the public check, for Prometheus: only what the server can know of a question.

The server does not learn which number was asked about, nor the answer: it returns a whole bucket, and only the asker
can read the one entry. So neither is counted. Of the kind it sees the number of elements, which is the same for all
links, and the same for all telephones and accounts. No label tells of a bucket, an address or a time.
"""

from enum import StrEnum

from prometheus_client import Counter, Histogram

from domain.public_check.statuses import LINK_FORMS

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)


class CheckOutcome(StrEnum):
    """What became of a question. UNREADABLE: the body is none; OTHER_SITE: another site sent it; OTHER_BITS: the list's
    buckets changed, and the page asks again; NETWORK_LIMIT, COMMON_LIMIT: above the limit of the asker's network, or of
    everybody; LOADING: the list is being loaded.
    """

    ANSWERED = "answered"
    UNREADABLE = "unreadable"
    OTHER_SITE = "other_site"
    OTHER_BITS = "other_bits"
    NETWORK_LIMIT = "network_limit"
    COMMON_LIMIT = "common_limit"
    LOADING = "loading"


STATUSES = {
    CheckOutcome.ANSWERED: 200,
    CheckOutcome.UNREADABLE: 400,
    CheckOutcome.OTHER_SITE: 403,
    CheckOutcome.OTHER_BITS: 409,
    CheckOutcome.NETWORK_LIMIT: 429,
    CheckOutcome.COMMON_LIMIT: 503,
    CheckOutcome.LOADING: 503,
}
"""The HTTP status of each outcome."""

CHECKS = Counter(
    "quanzu_public_checks_total",
    "Questions to the public check, answered or by the reason for the refusal, and by kind: a link, or a number "
    "(telephone or account); never by the answer, which the server does not learn",
    ["outcome", "kind"],
)
SECONDS = Histogram("quanzu_public_check_seconds", "From a question to the public check to its answer", buckets=BUCKETS)


def element_kind(elements: int) -> str:
    """Return the kind of a question by its number of elements: "number" (1), "link" (7), or "other": no page of this
    system sent it, or it could not be read (0).
    """
    return {1: "number", LINK_FORMS: "link"}.get(elements, "other")


def count_outcome(outcome: CheckOutcome, elements: int) -> None:
    """Add one question to the metric. `elements`: the number of elements in the question; 0 if it could not be read."""
    CHECKS.labels(outcome.value, element_kind(elements)).inc()
