"""Parses the address of a Redis, or of the Sentinels that watch a primary. Also holds the login for both."""

import re
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from redis.asyncio.connection import parse_url

SENTINEL_PORT = 26379

# The form that prefect, redisvl, langchain and limits read: members separated by commas, service, database.
_SENTINELS = re.compile(
    r"(?P<scheme>rediss?)\+sentinel://(?P<login>[^@/?]*@)?(?P<members>[^@/?]+)/(?P<service>[^/?]+)"
    r"(?P<db>/\d+)?/?(?P<query>\?.*)?"
)


@dataclass(frozen=True, slots=True)
class Login:
    """The users and passwords for Redis (`user`, `password`) and for its Sentinels (`sentinel_user`,
    `sentinel_password`), and the path of the CA file (`ca`); None: not set.

    A login in the Redis address takes precedence.
    """

    user: str | None = None
    password: str | None = None
    sentinel_user: str | None = None
    sentinel_password: str | None = None
    ca: str | None = None

    def options(self, *, tls: bool, sentinel: bool = False) -> dict[str, Any]:
        """Return the login as keyword arguments of redis-py, without unset ones. `tls`: the connection uses TLS, so the
        CA file is included; `sentinel`: the login for the Sentinels, not for Redis.
        """
        user, password = (self.sentinel_user, self.sentinel_password) if sentinel else (self.user, self.password)
        given = {"username": user, "password": password, "ssl_ca_certs": self.ca if tls else None}
        return {name: value for name, value in given.items() if value is not None}


NOBODY = Login()


@dataclass(frozen=True, slots=True)
class Watched:
    """A primary watched by Sentinels. `sentinels`: their (host, port); `service`: the name by which they know the
    primary; `primary_options`, `sentinel_options`: redis-py's options for connections to each.
    """

    sentinels: tuple[tuple[str, int], ...]
    service: str
    primary_options: dict[str, Any]
    sentinel_options: dict[str, Any]

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the address in a text of the form redis+sentinel://[user:password@]host:port,host:port/service/0, or
        rediss+sentinel:// for TLS.

        Options follow a question mark as in redis://; sentinel_username and sentinel_password are for the Sentinels.
        Raises ValueError with the right form if the address is invalid.
        """
        found = _SENTINELS.fullmatch(url)
        if found is None:
            raise ValueError("write Sentinels as redis+sentinel://host:26379,host:26379/service/0")
        plain = f"{found['scheme']}://{found['login'] or ''}primary{found['db'] or ''}{found['query'] or ''}"
        options: dict[str, Any] = dict(parse_url(plain))
        login = {name: options.pop(f"sentinel_{name}", None) for name in ("username", "password")}
        del options["host"]
        if options.pop("connection_class", None) is not None:
            options["ssl"] = True
        tls = {name: value for name, value in options.items() if name.startswith("ssl")}
        asked = {name: value for name, value in login.items() if value is not None} | tls
        sentinels = tuple(host_and_port(member, SENTINEL_PORT) for member in found["members"].split(","))
        return cls(sentinels, found["service"], options, asked)

    @property
    def tls(self) -> bool:
        """True if the connections use TLS."""
        return bool(self.primary_options.get("ssl"))


def watched(url: str) -> bool:
    """Return True if a Redis address names Sentinels (redis+sentinel:// or rediss+sentinel://), and False if it names
    Redis itself.
    """
    return "+sentinel:" in url


def check(url: str) -> None:
    """Raise ValueError if a Redis address is invalid; the error's text says how to write it. Connects to nothing."""
    if watched(url):
        Watched.parse(url)
    else:
        parse_url(url)


def host_and_port(text: str, port: int) -> tuple[str, int]:
    """Return a pair, the host and the port, from a text of the form host, host:port or [IPv6]:port (the host then
    without brackets).

    `port`: the default port. Raises ValueError if `text` has another form.
    """
    given = text.strip()
    try:
        parts = urlsplit(f"//{given}")
        found = (parts.hostname or "", parts.port or port)
    except ValueError:
        found = ("", port)
    if not found[0] or parts.netloc != given or "@" in given:
        raise ValueError(f"{text!r}: write host:port, such as {found[0] or 'server.example'}:{port}")
    return found
