"""A case's bundle: what an export holds, and by what it is known to be whole."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.administration.audit import Head
from schemas.base import Model, Note, Text, When
from schemas.casework.cases import CaseId
from schemas.casework.inputs import PolicyHash
from schemas.levels import Level

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Sum(Model):
    """One file of a bundle."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256


class Manifest(Model):
    """What a bundle is of, who took it out and why. Beside it lies its seal, made with the installation's key.

    `key`: that key's fingerprint. `heads`: how far the audit's chains reached.
    """

    format: Literal[1] = 1
    case: CaseId
    version: Annotated[int, Field(ge=1)]  # of the case
    level: Level
    at: When
    by: Text
    reason: Note
    installation: Text
    key: Text
    policies: list[PolicyHash]
    files: dict[str, Sum]
    heads: list[Head]
