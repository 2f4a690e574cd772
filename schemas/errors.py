"""The base of errors that are shown to users as text, without a traceback."""

import re


class UserError(Exception):
    """An error that the person running Quanzu can correct. The text says what is wrong, where, and what to do."""


_NAME = re.compile(r"[A-Za-z_]{1,32}")


def field_name(given: object) -> str:
    """Return a field's name or list index for an error text; "(a field)" if it does not look like a name.

    An unknown field's name is the sender's own text, which may contain anything.
    """
    return str(given) if isinstance(given, int) or _NAME.fullmatch(str(given)) else "(a field)"
