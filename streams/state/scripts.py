"""Access to the Lua scripts, one file each in lua/."""

from importlib.resources import files


def script(name: str) -> str:
    """Return the text of the Lua script `lua/NAME.lua`. Raises FileNotFoundError if the file is missing."""
    return files("streams.state").joinpath(f"lua/{name}.lua").read_text("utf-8")
