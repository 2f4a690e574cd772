"""The topic `vaults`: which vault holds the keys of this installation's records."""

from typing import Annotated

from pydantic import Field

from schemas.base import Model, When


class VaultNamed(Model):
    """From here on the records are sealed under keys of this vault. The latest on the topic counts."""

    vault: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    at: When
