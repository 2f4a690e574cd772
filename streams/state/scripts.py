"""Access to the Lua scripts, one file each in lua/."""

from importlib.resources import files


def script(name: str) -> str:
    """Return the text of `lua/NAME.lua`. Raises FileNotFoundError if there is none."""
    return files("streams.state").joinpath(f"lua/{name}.lua").read_text("utf-8")
