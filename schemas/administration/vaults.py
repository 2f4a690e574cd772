"""The topic `vaults`: the vault whose keys encrypt this installation's records."""

from typing import Annotated

from pydantic import Field

from schemas.base import Model, When


class VaultNamed(Model):
    """States that records are encrypted under keys of this vault from now on. The latest record on the topic counts."""

    vault: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    at: When
