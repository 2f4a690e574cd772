"""Which loopback port a server of our own is given."""

import secrets
import socket
from contextlib import suppress

# Below what systems give to connections that go out (Linux from 32768, macOS from 49152). A port among those may be
# taken while its server is down for a moment, even by the client that calls it: a connection to itself, which stands.
FIRST, COUNT = 20_000, 10_000
# Prime to COUNT, so that all come round; more than 1, so that who takes the next ones after its own meets nobody.
STRIDE = 37
_turn = secrets.randbelow(COUNT)  # processes that start together are unlikely to meet


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has; not one of the last few thousand given by this process.

    Raises OSError when there is none.
    """
    global _turn
    for _ in range(COUNT):
        _turn += 1
        port = FIRST + _turn * STRIDE % COUNT
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port on 127.0.0.1 from {FIRST} to {FIRST + COUNT - 1}")
