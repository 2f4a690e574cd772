"""The topic `epochs`: which Redis is the leader, and which epochs workers have confirmed."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.base import Model, When


class EpochNamed(Model):
    """States that a new epoch begins: a period in which the Redis server `run` is the leader. Of two records with one
    number, the first counts.
    """

    kind: Literal["epoch"] = "epoch"
    epoch: Annotated[int, Field(ge=1)]
    run: Annotated[str, Field(pattern=r"^\w{1,64}/\w{1,64}$")]
    at: When


class EpochConfirmed(Model):
    """A worker's record of the epoch that it knows: a period in which one Redis server is the leader.

    `epoch`: its number, 0 if none was ever named. `settled`: True if the worker was already allowed to act under this
    epoch when it wrote the record; workers that read True may act under it at once.
    """

    kind: Literal["confirmation"] = "confirmation"
    epoch: Annotated[int, Field(ge=0)]
    settled: bool


EpochEntry = Annotated[EpochNamed | EpochConfirmed, Field(discriminator="kind")]
epoch_adapter: TypeAdapter[EpochEntry] = TypeAdapter(EpochEntry)
