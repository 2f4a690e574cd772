"""The operators' telephones that are in use, by outgoing and incoming calls together: each has one call at a time."""


class PhonesInUse:
    """The logins whose telephone rings or talks."""

    def __init__(self) -> None:
        self._logins: set[str] = set()

    def has(self, login: str) -> bool:
        """Return True if an operator's telephone is in use."""
        return login in self._logins

    def take(self, login: str) -> bool:
        """Reserve an operator's telephone. Returns True; False if it is in use: then nothing changes."""
        if login in self._logins:
            return False
        self._logins.add(login)
        return True

    def release(self, login: str) -> None:
        """Free an operator's telephone; nothing happens if it is free."""
        self._logins.discard(login)
