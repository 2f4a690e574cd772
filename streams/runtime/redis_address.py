"""The address of a Redis, of one server or of a primary that Sentinels watch, and the login that goes with it."""

import re
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from redis.asyncio.connection import parse_url

SENTINEL_PORT = 26379

# The form that prefect, redisvl, langchain and limits read: members with commas, then the service, then the database.
_SENTINELS = re.compile(
    r"(?P<scheme>rediss?)\+sentinel://(?P<login>[^@/?]*@)?(?P<members>[^@/?]+)/(?P<service>[^/?]+)"
    r"(?P<db>/\d+)?/?(?P<query>\?.*)?"
)


@dataclass(frozen=True, slots=True)
class Login:
    """Who comes to Redis and to its Sentinels, and the file of who vouches for them. What an address says wins."""

    user: str | None = None
    password: str | None = None
    sentinel_user: str | None = None
    sentinel_password: str | None = None
    ca: str | None = None

    def options(self, *, tls: bool, sentinel: bool = False) -> dict[str, Any]:
        """As redis-py takes them."""
        user, password = (self.sentinel_user, self.sentinel_password) if sentinel else (self.user, self.password)
        given = {"username": user, "password": password, "ssl_ca_certs": self.ca if tls else None}
        return {name: value for name, value in given.items() if value is not None}


NOBODY = Login()


@dataclass(frozen=True, slots=True)
class Watched:
    """A primary that Sentinels watch, and the options of the clients of both."""

    sentinels: tuple[tuple[str, int], ...]
    service: str
    primary_options: dict[str, Any]
    sentinel_options: dict[str, Any]

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read redis+sentinel://[user:password@]host:port,host:port/service/0, or rediss+sentinel:// over TLS.

        Options follow a question mark as in redis://; sentinel_username and sentinel_password are the Sentinels'.
        Raises ValueError that says what to write.
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
        return cls(tuple(map(_address, found["members"].split(","))), found["service"], options, asked)

    @property
    def tls(self) -> bool:
        return bool(self.primary_options.get("ssl"))


def watched(url: str) -> bool:
    """Whether the address names Sentinels."""
    return "+sentinel:" in url


def check(url: str) -> None:
    """Raises ValueError that says what to write when the address cannot be read."""
    if watched(url):
        Watched.parse(url)
    else:
        parse_url(url)


def _address(member: str) -> tuple[str, int]:
    parts = urlsplit(f"//{member.strip()}")
    if not parts.hostname:
        raise ValueError(f"{member!r} is no Sentinel: write host:26379")
    return parts.hostname, parts.port or SENTINEL_PORT
