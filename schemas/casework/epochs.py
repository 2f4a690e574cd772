"""The topic `epochs`: which Redis is the leader, and which epochs workers have confirmed."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.base import Model, When


class EpochNamed(Model):
    """States that a new epoch begins with the Redis server `run` as leader. Of two records with one number, the first
    counts.
    """

    kind: Literal["epoch"] = "epoch"
    epoch: Annotated[int, Field(ge=1)]
    run: Annotated[str, Field(pattern=r"^\w{1,64}/\w{1,64}$")]
    at: When


class EpochConfirmed(Model):
    """A worker's confirmation that an epoch was in force. `settled`: the worker had already been allowed to act under
    it.
    """

    kind: Literal["confirmation"] = "confirmation"
    epoch: Annotated[int, Field(ge=0)]
    settled: bool


EpochEntry = Annotated[EpochNamed | EpochConfirmed, Field(discriminator="kind")]
epoch_adapter: TypeAdapter[EpochEntry] = TypeAdapter(EpochEntry)
