"""What a provider's HTTP status says of a request that failed: nothing was done, or nobody knows."""

from collections.abc import Collection

# Refused, and yet perhaps done: given up while it was worked on, and sent on before the limit was noticed.
_UNCERTAIN = frozenset({408, 429})
_SEE_OTHER = 303  # carried out, and its result lies elsewhere


def certainly_not_done(status: int, declared: Collection[int] = ()) -> bool:
    """Whether the provider has certainly not carried out a request that it answered with this status.

    `declared`: the codes that the provider itself declares to mean so. A 5xx means so only when it is declared: a
    server can act and fail afterwards, and a gateway between cannot know what the server behind it did.
    """
    refused = 400 <= status < 500 and status not in _UNCERTAIN
    redirected = 300 <= status < 400 and status != _SEE_OTHER
    return status in declared or refused or redirected
