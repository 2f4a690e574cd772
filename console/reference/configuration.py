"""Documents all settings as Markdown tables, by group, from the models that read them."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from console.reference.pages import MADE
from console.web.kit.settings import ConsoleSettings
from streams.channels.settings import ChannelSettings
from streams.intake.feeds.settings import FeedSettings
from streams.intake.settings import IntakeSettings
from streams.runtime.secret_files import SUFFIX, secret
from streams.runtime.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
SETTINGS: tuple[type[BaseSettings], ...] = (Settings, IntakeSettings, FeedSettings, ChannelSettings, ConsoleSettings)

FIRST = (
    "QUANZU_KAFKA",
    "QUANZU_REDIS",
    "QUANZU_SECRET",
    "QUANZU_KEYS",
    "QUANZU_PARTITIONS",
    "QUANZU_API_KEYS",
    "QUANZU_RECEIPTS_SECRET",
    "QUANZU_SMS_URL",
    "QUANZU_VOICE_URL",
    "QUANZU_BANK_URL",
    "QUANZU_STATION_URL",
)
"""The eleven settings of a new installation; the defaults of the others suit most."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Servers and files": ("KAFKA", "REDIS", "APP_ID", "INSTANCE", "PARTITIONS", "REPLICATION", "DATA", "POLICY"),
    "Security": (
        *(
            "SECRET",
            "KEYS",
            "ID_KEYS",
            "HSM",
            "VAULT",
            "RECORD_CIPHER",
            "CHECKPOINT_HOURS",
            "KAFKA_TLS",
            "KAFKA_CA",
            "KAFKA_USER",
            "KAFKA_PASSWORD",
        ),
        *("KAFKA_MECHANISM", "REDIS_USER", "REDIS_PASSWORD", "REDIS_CA", "SENTINEL_USER", "SENTINEL_PASSWORD"),
    ),
    "Intake": (
        *("API_KEYS", "SOURCE_RIGHTS", "OPERATOR_KEYS", "INTAKE_HOST", "HTTP_PORT", "INTAKE_CERTIFICATE", "INTAKE_KEY"),
        *("INTAKE_CLIENT_CA", "RATE", "RATE_STORE", "PAYEE_CHECKS", "PAYEE_CHECK_RATE", "FEEDS", "HOLIDAYS"),
        *("SHARING", "SHARING_NAME"),
    ),
    "Channels": (
        *("SMS_URL", "VOICE_URL", "BANK_URL", "STATION_URL", "SMS_KIND", "VOICE_KIND", "BANK_KIND", "STATION_KIND"),
        *("SMS_REFUSALS", "VOICE_REFUSALS", "BANK_REFUSALS", "STATION_REFUSALS"),
        *("PROVIDER_SECONDS", "CHANNEL_CONCURRENCY", "RECEIPTS_URL", "RECEIPTS_SECRET", "INSTITUTIONS", "PROVINCES"),
        *("PUSH_KEY", "PUSH_CONTACT", "PUSH_ADDRESSES"),
    ),
    "Console": tuple(f"CONSOLE_{name.upper()}" for name in ConsoleSettings.model_fields),
    "Observability": (
        *("METRICS_HOST", "METRICS_PORT", "INTAKE_METRICS_PORT", "EXPORTER_PORT", "SOURCES"),
        *("TRACES", "TRACES_RATIO", "LOG_FORMAT", "LOG_LEVEL"),
    ),
    "Set by Quanzu for the processes that it starts": ("EMBEDDED", "CLOCK"),
}
"""All settings by group, without the prefix QUANZU_."""


def variables() -> dict[str, FieldInfo]:
    """Return the model field of each setting, by the full name of its environment variable."""
    return {
        f"{settings.model_config.get('env_prefix', '')}{name}".upper(): field
        for settings in SETTINGS
        for name, field in settings.model_fields.items()
    }


def table(names: Iterable[str]) -> str:
    """Return a Markdown table of these variables with their defaults and meanings. Raises KeyError for an unknown
    variable.
    """
    known = variables()
    rows = ["| variable | default | meaning |", "|---|---|---|", *(_row(name, known[name]) for name in names)]
    return "\n".join(rows)


def configuration_page() -> str:
    """Return the Markdown page: the eleven most important settings, then all settings by group."""
    return "\n".join([*_introduction(), table(FIRST), "", *_sections()])


def _introduction() -> Iterator[str]:
    yield "# Configuration"
    yield MADE
    yield ""
    yield "Each setting is an environment variable, the same for all processes. A secret can be in a file, which the"
    yield f"variable with `{SUFFIX}` behind its name names. With neither `QUANZU_KAFKA` nor `QUANZU_REDIS` set, Quanzu"
    yield "starts its own servers (the Kafka-compatible Tansu broker and Valkey, the extra `quanzu[embedded]`) on free"
    yield "loopback ports. **Tansu keeps its log in memory: embedded servers are for trials, teaching and tests.** In"
    yield "production set both, to an Apache Kafka 4 with three brokers and to a Redis (7 or later) or Valkey with its"
    yield "append-only file on, and set `QUANZU_SECRET`."
    yield ""
    yield "## The ten that matter"
    yield "A new installation sets these."
    yield ""


def _sections() -> Iterator[str]:
    for title, names in GROUPS.items():
        yield f"## {title}"
        yield table(f"QUANZU_{name}" for name in names)
        yield ""


def _row(name: str, field: FieldInfo) -> str:
    default = "" if field.default in (None, "") else _shown(field.default)
    or_file = f"`{name}{SUFFIX}` names a file that holds it" if secret(field) else ""
    return f"| `{name}` | {default} | {'. '.join(filter(None, (field.description, or_file)))} |"


def _shown(default: object) -> str:
    if isinstance(default, Path) and default.is_relative_to(REPOSITORY):
        return f"`{default.relative_to(REPOSITORY)}`"
    return f"`{default}`"
