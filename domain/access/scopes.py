"""The acts on a case that a program may carry out, by the scopes of its token."""

from collections.abc import Collection

from schemas.people.staff import Scope

# Each needs the judgement and the name of a person: lifting a stop, confirming, lowering or ending a case.
ONLY_PEOPLE = frozenset({"release_stop", "confirm", "lower", "close"})


def permits(scopes: Collection[Scope], act: str) -> bool:
    """Return whether a token with these scopes may carry out an act, named as in its field `do`."""
    if act in ONLY_PEOPLE:
        return False
    return Scope.ACT in scopes or (act == "note" and Scope.NOTE in scopes)
