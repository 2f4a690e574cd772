"""The manifest of a case's bundle: its contents, and the hashes that prove that it is complete."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.administration.audit import Head
from schemas.base import Model, Note, Text, When
from schemas.casework.cases import CaseId
from schemas.casework.inputs import PolicyHash
from schemas.levels import Level

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Sum(Model):
    """The size (bytes) and the SHA-256 (hex) of one file of a bundle."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256


class Manifest(Model):
    """The description of a case's bundle: the case, who exported it, why, and the size and hash of each file.

    A seal made with the installation's key accompanies the manifest in the bundle. `key`: the fingerprint of that key;
    `heads`: the newest lines of the audit's chains at the time of the export.
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
