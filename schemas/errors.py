"""The one kind of error that is told to whoever runs Quanzu in words, without a traceback."""

import re


class UserError(Exception):
    """Something that whoever runs Quanzu can mend. The text says what is wrong, where, and what to do."""


_NAME = re.compile(r"[A-Za-z_]{1,32}")


def field_name(given: object) -> str:
    """A field's name, or its place in a list, as far as it is one: an unknown field's is the sender's own text, which
    may hold anything, and stands in no error."""
    return str(given) if isinstance(given, int) or _NAME.fullmatch(str(given)) else "(a field)"
