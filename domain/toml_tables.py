"""Reads the TOML tables that an installation may replace: holidays, scripts of questions, banks."""

import tomllib
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from schemas.errors import UserError

Table = TypeVar("Table", bound=BaseModel)


def read_table(text: str, kind: type[Table], refused: type[UserError]) -> Table:
    """Return the table in a TOML text, as a validated model of the class `kind`.

    Raises an error of type `refused`, with a line for each fault, if the text is not TOML or not valid.
    """
    try:
        return kind.model_validate(tomllib.loads(text))
    except ValidationError as error:
        found = error.errors(include_url=False)
        lines = [f"[{'.'.join(map(str, item['loc']))}] {item['msg'].removeprefix('Value error, ')}" for item in found]
        raise refused("\n".join(lines)) from None
    except tomllib.TOMLDecodeError as error:
        raise refused(f"not TOML: {error}") from None
