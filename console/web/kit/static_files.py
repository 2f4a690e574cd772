"""The files that pages load. Under the path that has their version a browser keeps them for good, and asks no more.

`/static/v-1f3a5b7c9d0e/queue.js` never changes: a console with other files names another path. By the plain path, and
by the path of another version (of two consoles behind one address one may be newer), the file as it is now is given,
and asked for anew each time. Scripts name one another relatively, so that a page loads each of them once.
"""

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

STATIC = Path(__file__).parents[1] / "static"
FOR_GOOD = "public, max-age=31536000, immutable"
ANEW = "no-cache"  # kept too, but not shown before the server has said that it is the same: 304, by its ETag
_VERSION = re.compile(r"v-[0-9a-f]{12}")


class Versioned(StaticFiles):
    """Says how long each file may be kept."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        first, _, rest = path.partition("/")
        versioned = _VERSION.fullmatch(first)
        response = await super().get_response(rest if versioned else path, scope)
        response.headers["Cache-Control"] = FOR_GOOD if first == version() else ANEW
        return response


@lru_cache
def version() -> str:
    """The version of all files together: a script loads others, and must not meet an older one."""
    whole = hashlib.sha256()
    for file in files():
        whole.update(f"{file.relative_to(STATIC).as_posix()}\0".encode() + file.read_bytes())
    return f"v-{whole.hexdigest()[:12]}"


def files() -> list[Path]:
    """All of them, in order."""
    return sorted(path for path in STATIC.rglob("*") if path.is_file())


def root() -> str:
    """The beginning of the path under which pages name them."""
    return f"/static/{version()}"
