"""Opens an installation for a command, serves intake, and turns errors into texts by which the operator can act."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiokafka.errors
import kafka.errors
import redis.exceptions

from console import policy_faults
from domain.feeds.fraud_mapping import FraudMapping
from domain.policy import PolicyError
from schemas.errors import UserError
from streams.channels import receipts
from streams.channels.operator_calls.reports import report_routes
from streams.channels.provinces import receiving as handovers
from streams.channels.settings import load as load_channels
from streams.dead_letters import api as letters_api
from streams.installation import Installation
from streams.intake import objections, reported_frauds
from streams.intake import server as intake_http
from streams.intake.acceptor import Intake
from streams.intake.files import FileReport, Progress, intake_file
from streams.intake.formats import Options
from streams.intake.fraud_files import take_fraud_file
from streams.intake.settings import IntakeSettings
from streams.intake.settings import load as load_intake
from streams.intake.taxii.server import sharing
from streams.messaging import topics
from streams.runtime import metrics
from streams.runtime.credentials import denied
from streams.runtime.server_discovery import servers
from streams.runtime.settings import Settings
from streams.security.rights import Component


@asynccontextmanager
async def open_installation(
    settings: Settings, component: Component = Component.OPERATOR
) -> AsyncIterator[Installation]:
    """Context manager: yield an open installation during the block. Topics are created only on embedded servers.

    Raises SettingsError if a topic is missing or differs from its required settings or a server is configured wrongly,
    and AccessError if a server denies a right that `component` needs. Errors of Kafka and Redis pass through.
    """
    if settings.embedded:
        await asyncio.to_thread(topics.create, settings)
    line = Installation(settings.model_copy(update={"metrics_port": 0}), load_channels(), component=component)
    try:
        await line.open()
        yield line
    finally:
        await line.close()


async def serve_intake(
    wanted: Settings,
    started: Callable[[str], None],
    given: IntakeSettings | None = None,
    prepare: Callable[[Installation], Awaitable[None]] | None = None,
) -> None:
    """Accept signals and receipts over HTTP until stopped; `started` is called with the address.

    `given`: settings that replace the environment's intake settings. `prepare`: awaited before anything is served.
    Raises SettingsError if a port is taken or a setting is invalid, AccessError if a server denies a right,
    EmbeddedError if embedded servers cannot be started, and OSError if their data folder cannot be written. Errors of
    Kafka and Redis pass through.
    """
    channels, intake = load_channels(), given or load_intake()
    async with servers(wanted) as settings, open_installation(settings, Component.INTAKE) as line:
        metrics.serve(intake.intake_metrics_port, settings.metrics_host, "QUANZU_INTAKE_METRICS_PORT")
        if prepare is not None:
            await prepare(line)
        context = line.intake
        routes = [
            *receipts.routes(context.outgoing, channels),
            *report_routes(context.outgoing, channels),
            *handovers.routes(context.outgoing, channels),
            *objections.routes(settings, intake, context.outgoing),
            *reported_frauds.routes(settings, intake, context.outgoing),
            *letters_api.routes(settings, intake, context.producer, context.clock),
        ]
        async with sharing(settings, intake, context.clock) as taxii:
            await intake_http.serve(settings, intake, context.clock, [*routes, *taxii], started)


async def take_file(
    wanted: Settings,
    name: str,
    file: Path,
    options: Options,
    resume: bool,
    report: Path | None,
    progress: Progress,
) -> FileReport:
    """Accept a file of signals and return its report, which is also written to the file `report` as JSON. A row that is
    refused becomes a dead letter. Waits while Kafka is unavailable. `name`: the format; `resume`: True continues where
    an interrupted run stopped.

    Raises FileRefusedError or WorkbookError if the file cannot be read, KeyError if there is no such format, OSError if
    the progress or the report cannot be written, SettingsError if a setting is invalid, AccessError if a server denies
    a right, EmbeddedError if embedded servers cannot be started, and SendError if Kafka refuses a record for good:
    earlier rows may be accepted by then. Errors of Kafka and Redis pass through while the installation is opened.
    """
    async with servers(wanted) as settings, open_installation(settings) as line:
        return await intake_file(
            name,
            file,
            Intake(line.intake.producer, settings),
            settings,
            line.intake.clock,
            options=options,
            resume=resume,
            report_path=report,
            progress=progress,
        )


async def take_frauds(wanted: Settings, file: Path, by: str | FraudMapping) -> FileReport:
    """Accept a file of the police's records of frauds, and return its report with the counts. A row that is refused
    becomes a dead letter; the others are accepted. Waits while Kafka is unavailable. `by`: the file's mapping, or, for
    a CSV file with our columns, the name of the force that has the records.

    Raises FileRefusedError or WorkbookError if the file cannot be opened or decoded, is over 16 MiB or has a wrong
    header, csv.Error for another fault of the header, and OSError, EOFError or zlib.error for a broken gzip; nothing is
    accepted then. Raises SettingsError if a setting is invalid, AccessError if a server denies a right, EmbeddedError
    if embedded servers cannot be started, and SendError if Kafka refuses a record for good: earlier rows may be
    accepted by then. Errors of Kafka and Redis pass through while the installation is opened.
    """
    async with servers(wanted) as settings, open_installation(settings) as line:
        return await take_fraud_file(
            file,
            by,
            line.producer,
            settings.partitions,
            settings.rights(),
            settings.id_number_keys(),
            line.clock.now(),
        )


def in_words(error: Exception) -> str | None:
    """Return an English text of an error that the operator can correct: a wrong file or setting, a denied right, a
    server or file that cannot be reached. Return None for a fault of the program, which needs its traceback.
    """
    if isinstance(error, PolicyError):
        return policy_faults.in_english(error)
    if isinstance(error, UserError):
        return str(error)
    if (refused := denied(error)) is not None:
        return str(refused)
    if isinstance(error, kafka.errors.KafkaError | aiokafka.errors.KafkaError):
        return f"Kafka does not answer as it should ({type(error).__name__}). `quanzu doctor` says what is wrong"
    if isinstance(error, redis.exceptions.ConnectionError | redis.exceptions.TimeoutError):
        return f"Redis cannot be reached ({type(error).__name__}). `quanzu doctor` says what is wrong"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return None
