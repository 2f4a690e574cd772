"""All settings as a table: docs/reference/configuration.md shows what the code reads."""

from collections.abc import Iterator
from pathlib import Path

from pydantic_settings import BaseSettings

from streams.channels.settings import ChannelSettings
from streams.intake.feeds.settings import FeedSettings
from streams.intake.settings import IntakeSettings
from streams.runtime.secret_files import SUFFIX, secret
from streams.runtime.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
READ: tuple[type[BaseSettings], ...] = (Settings, IntakeSettings, FeedSettings, ChannelSettings)


def table(*also: type[BaseSettings]) -> str:
    """A Markdown table of every variable, its default and what it means. `also`: what is read elsewhere than here."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    rows += [row for settings in (*READ, *also) for row in _rows(settings)]
    return "\n".join(rows)


def _rows(settings: type[BaseSettings]) -> Iterator[str]:
    prefix = settings.model_config.get("env_prefix", "")
    for name, field in settings.model_fields.items():
        default = "" if field.default is None else _shown(field.default)
        or_file = f"`{prefix}{name.upper()}{SUFFIX}` names a file that holds it" if secret(field) else ""
        yield f"| `{prefix}{name.upper()}` | {default} | {'. '.join(filter(None, (field.description, or_file)))} |"


def _shown(default: object) -> str:
    if isinstance(default, Path) and default.is_relative_to(REPOSITORY):
        return f"`{default.relative_to(REPOSITORY)}`"
    return f"`{default}`"
