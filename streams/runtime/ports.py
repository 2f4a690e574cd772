"""Which loopback port a server of our own is given."""

import fcntl
import os
import secrets
import socket
from contextlib import suppress
from functools import cache

# Below what systems give to connections that go out (Linux from 32768, macOS from 49152). A port among those may be
# taken while its server is down for a moment, even by the client that calls it: a connection to itself, which stands.
FIRST, COUNT = 20_000, 10_000
# Prime to COUNT, so that all come round; more than 1, so that who takes the next ones after its own meets nobody.
STRIDE = 37
_turn = secrets.randbelow(COUNT)  # processes that start together seldom try the same one


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has; not one of the last few thousand given by this process.

    Nor one that another process of this user was given and has not opened yet: each is held until its process ends.
    Raises OSError when there is none, and when the file in which they are held cannot be opened.
    """
    global _turn
    held = _held()
    for _ in range(COUNT):
        _turn += 1
        port = FIRST + _turn * STRIDE % COUNT
        with socket.socket() as probe, suppress(OSError):
            fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port on 127.0.0.1 from {FIRST} to {FIRST + COUNT - 1}")


@cache
def _held() -> int:
    """The file whose bytes, one for each port, the processes of this user lock; open for as long as the process is."""
    # Not in TMPDIR: ports are the machine's, and processes that share them may have different ones.
    path = f"/tmp/quanzu-ports-{os.getuid()}"  # noqa: S108 - of this user, and no link is followed
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
