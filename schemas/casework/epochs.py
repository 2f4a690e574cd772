"""The topic `epochs`: which Redis leads, and that workers were there when it did."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.base import Model, When


class EpochNamed(Model):
    """An epoch begins under this Redis. Of two of one number the first on the topic counts."""

    kind: Literal["epoch"] = "epoch"
    epoch: Annotated[int, Field(ge=1)]
    run: Annotated[str, Field(pattern=r"^\w{1,64}/\w{1,64}$")]
    at: When


class EpochConfirmed(Model):
    """A worker was there while the epoch was in force. `settled`: it might act under it before it wrote this."""

    kind: Literal["confirmation"] = "confirmation"
    epoch: Annotated[int, Field(ge=0)]
    settled: bool


EpochEntry = Annotated[EpochNamed | EpochConfirmed, Field(discriminator="kind")]
epoch_adapter: TypeAdapter[EpochEntry] = TypeAdapter(EpochEntry)
