"""What the tables of the voice gateway's configuration file share: their base, their types, and how one is refused."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

Login = Annotated[str, StringConstraints(pattern=r"^[a-z0-9._-]{1,64}$")]
Extension = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._+-]{1,64}$")]
Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{3,15}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=600)]


class ConfigurationTable(BaseModel):
    """A table of the file. It has no other keys than its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def refused_table(code: str, words: str, fix: str) -> PydanticCustomError:
    """Return the error for a validator to raise if a table cannot be used. `code`: the fault's kind; `words`: what is
    wrong; `fix`: how to correct it.
    """
    return PydanticCustomError(code, "{words}|{fix}", {"words": words, "fix": fix})
