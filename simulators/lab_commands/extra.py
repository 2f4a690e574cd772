"""What the extra `lab` installs may be missing: it is no part of a line's installation."""

from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import UserError


class MissingError(UserError):
    """The extra `lab` is not installed."""


@contextmanager
def needed() -> Iterator[None]:
    """Says what to install when what is imported here is missing. Raises MissingError."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingError(f"{error.name} is not installed: install Quanzu with the extra, quanzu[lab]") from None
