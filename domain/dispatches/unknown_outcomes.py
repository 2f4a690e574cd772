"""Interprets a provider's HTTP status for a failed request: certainly not carried out, or unknown."""

from collections.abc import Collection

# Refused, but perhaps done: 408 may time out during the work, and 429 may follow after forwarding.
_UNCERTAIN = frozenset({408, 429})
_SEE_OTHER = 303  # carried out; the result is at another address


def certainly_not_done(status: int, declared: Collection[int] = ()) -> bool:
    """Return True if the provider has certainly not carried out a request that it answered with this HTTP status: any
    3xx or 4xx but 303, 408 and 429, or a status in `declared`. False: it may have carried it out.

    `declared`: statuses by which the provider declares that it has done nothing. A 5xx counts only if declared: a
    server can act and then fail, and a gateway cannot know whether the server behind it acted.
    """
    refused = 400 <= status < 500 and status not in _UNCERTAIN
    redirected = 300 <= status < 400 and status != _SEE_OTHER
    return status in declared or refused or redirected
