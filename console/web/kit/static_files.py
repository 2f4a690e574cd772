"""Static files under a path with their version, which browsers may cache forever.

`/static/v-1f3a5b7c9d0e/queue.js` never changes; a console with other files uses another path. The plain path and the
path of another version (two consoles behind one address may differ) return the present file, which browsers must
revalidate. Scripts refer to one another by relative paths, so that a page loads each of them once.
"""

import gzip
import hashlib
import re
from functools import lru_cache
from pathlib import Path

from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import Scope

STATIC = Path(__file__).parents[1] / "static"
FOR_GOOD = "public, max-age=31536000, immutable"
ANEW = "no-cache"  # cached, but revalidated by its ETag before each use (304)
TEXTS = frozenset({".css", ".js"})  # sent compressed: a third of their size. Pages hold secrets and are not
_VERSION = re.compile(r"v-[0-9a-f]{12}")


class Versioned(StaticFiles):
    """Static files, with a Cache-Control header that depends on their path."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file: to be cached forever under the path of its own version, else to be revalidated.

        Raises HTTPException: 404 if the file does not exist, 405 if the method is neither GET nor HEAD.
        """
        first, _, rest = path.partition("/")
        versioned = _VERSION.fullmatch(first)
        response = await super().get_response(rest if versioned else path, scope)
        if isinstance(response, FileResponse) and response.status_code == 200 and _takes_gzip(scope):
            response = _compressed(response)
        response.headers["Cache-Control"] = FOR_GOOD if first == version() else ANEW
        return response


def _takes_gzip(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "gzip" in headers.get("accept-encoding", "") and "range" not in headers


def _compressed(response: FileResponse) -> Response:
    """Return the response with its content compressed if the file is a text file; else unchanged."""
    path = Path(response.path)
    if path.suffix not in TEXTS:
        return response
    plain = ("content-length", "content-type", "etag")
    headers = {name: value for name, value in response.headers.items() if name not in plain}
    headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding", "ETag": f"W/{response.headers['etag']}"}
    return Response(_zipped(path, path.stat().st_mtime_ns), media_type=response.media_type, headers=headers)


@lru_cache(maxsize=256)
def _zipped(path: Path, changed: int) -> bytes:
    """Return a file's content compressed by gzip. `changed`: when the file changed, so that a changed file is read
    again.
    """
    return gzip.compress(path.read_bytes(), mtime=0)


@lru_cache
def version() -> str:
    """Return one version for all files together: "v-" and 12 hex digits, computed once per process. Scripts load only
    files of the same version.
    """
    whole = hashlib.sha256()
    for file in files():
        whole.update(f"{file.relative_to(STATIC).as_posix()}\0".encode() + file.read_bytes())
    return f"v-{whole.hexdigest()[:12]}"


def files() -> list[Path]:
    """Return the absolute paths of all static files, those in subfolders included, sorted."""
    return sorted(path for path in STATIC.rglob("*") if path.is_file())


def root() -> str:
    """Return the path prefix of static files with their version, such as "/static/v-1f3a5b7c9d0e"."""
    return f"/static/{version()}"
