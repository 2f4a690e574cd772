"""Addresses that a request may lead back to: pages of ours, and no others."""

import re

_OURS = re.compile(r"/(?![/\\])[A-Za-z0-9_./~%?=&,:-]*")


def ours(path: str, otherwise: str = "/") -> str:
    """The path when it is one of ours, else the other. `//host`, `/\\host` and what a browser makes of them are not."""
    return path if _OURS.fullmatch(path) else otherwise
