"""The base of errors that are shown to users as text, without a traceback."""

import re


class UserError(Exception):
    """An error that the person who runs Quanzu can correct. Its text states the problem, the place and the fix."""


_NAME = re.compile(r"[A-Za-z_]{1,32}")


def field_name(given: object) -> str:
    """Return `given` as a text that is safe in an error message: a list index, or a field's name of at most 32 ASCII
    letters and underscores. Return "(a field)" for anything else.

    The name of an unknown field is the sender's own text, which may contain anything.
    """
    return str(given) if isinstance(given, int) or _NAME.fullmatch(str(given)) else "(a field)"
