"""Checks for the packages of the extra `lab`, which an installation normally lacks."""

from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import UserError


class MissingError(UserError):
    """A package of the extra `lab` is not installed. The text says what to install."""


@contextmanager
def needed() -> Iterator[None]:
    """Context manager: run the imports in the block, and turn a ModuleNotFoundError into a MissingError, which says
    what to install.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingError(f"{error.name} is not installed: install Quanzu with the extra, quanzu[lab]") from None
