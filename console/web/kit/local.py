"""Accepts redirect targets only if they are paths of the console."""

import re

_OURS = re.compile(r"/(?![/\\])[A-Za-z0-9_./~%?=&,:-]*")


def local_path(path: str, otherwise: str = "/") -> str:
    r"""Return `path` if it is a path of the console, else `otherwise`. `//host` and `/\host` are addresses of other
    sites.
    """
    return path if _OURS.fullmatch(path) else otherwise
