"""The scripts that Redis runs: each in a file of its own, in lua/."""

from importlib.resources import files


def script(name: str) -> str:
    """The text of `lua/NAME.lua`."""
    return files("streams.state").joinpath(f"lua/{name}.lua").read_text("utf-8")
