"""Walking through the console as a role: every page there is, and what a careful reader finds wrong in its HTML."""

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

from httpx import Response

from console.web.kit.door import table
from schemas.people.staff import StaffRole
from tests.console.harness.stage import Client
from tests.console.harness.world import MARK, World

PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
MOST_PAGES = 150  # of one role
LEFT_OUT = ("/language/", "/guest/", "/sign-in/oidc", "/static/")
ADDRESSES = ("href", "src", "action", "formaction", "poster", "data", "srcset")
HARMLESS = {"application/json", "text/plain"}  # a script of this kind is data


class Read(HTMLParser):
    """A page's elements, and what is wrong with them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.links: list[str] = []  # that lead somewhere by GET
        self.addresses: list[str] = []
        self._script = self._style = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.wrong += _wrong(tag, named)
        self.addresses += [named[name] for name in ADDRESSES if name in named]
        if tag == "a" and "href" in named and "download" not in named:
            self.links.append(named["href"])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)


def _wrong(tag: str, named: dict[str, str]) -> Iterator[str]:
    if MARK in tag or any(MARK in name for name in named):
        yield f"<{tag} {' '.join(named)}>: what somebody wrote became a part of the page"
    if tag == "script" and "src" not in named and named.get("type") not in HARMLESS:
        yield "an inline script"
    if tag == "style" or "style" in named:
        yield f"<{tag}>: an inline style"
    yield from (f"<{tag} {name}>: an inline handler" for name in named if name.startswith("on"))
    yield from (f"<{tag}>: leads to {named[name]}" for name in ADDRESSES if name in named and _foreign(named[name]))
    if tag == "base" or (tag == "meta" and "http-equiv" in named):
        yield f"<{tag}> that changes how the page is read"


def _foreign(address: str) -> bool:
    """Whether it leads out of the console, or runs something."""
    parts = urlsplit(address.strip())
    if parts.scheme in ("tel", "blob") or address.startswith("data:image/"):
        return False
    return bool(parts.scheme or parts.netloc)


def addresses(world: World, role: StaffRole) -> Iterator[str]:
    """What the role may open, with things of its own area."""
    for method, path, name, roles in table(world.console.app):
        if method != "GET" or role not in roles:
            continue
        things = {each: world.thing(name, each) for each in PARAMETER.findall(path)}
        if all(things.values()):
            yield PARAMETER.sub(lambda found: _named(things[found[1]], role), path)  # noqa: B023 - it is called at once


def _named(thing: object, role: StaffRole) -> str:
    mine = getattr(thing, "mine", None)
    return mine(role) if mine else ""


async def walk(client: Client, starts: Iterable[str]) -> dict[str, Response]:
    """Every page that can be reached from these, by its address. Streams are looked at without waiting for events."""
    left, tried, seen = list(starts), set[str](), dict[str, Response]()
    while left and len(seen) < MOST_PAGES:
        address = left.pop(0)
        if address in tried or address.startswith(LEFT_OUT):
            continue
        tried.add(address)
        async with client.stream("GET", address) as answer:
            if "text/event-stream" not in answer.headers.get("content-type", ""):
                await answer.aread()
                seen[address] = answer
        if address in seen and html(seen[address]):
            left += [link.partition("#")[0] for link in Read(seen[address].text).links if link.startswith("/")]
    return seen


def html(answer: Response) -> bool:
    return "text/html" in answer.headers.get("content-type", "")
