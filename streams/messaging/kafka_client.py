"""Connections to Kafka for all three clients: Faust, aiokafka and kafka-python."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import faust
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError, SaslAuthenticationFailed
from aiokafka.protocol.metadata import MetadataRequest
from kafka import KafkaAdminClient

from streams.runtime.credentials import AccessError, authorities
from streams.runtime.settings import Settings
from streams.runtime.tls import REACH_SECONDS, refusal

REACH_MS = 8_000  # a broker that does not answer for so long is considered unavailable
TLS = "Set QUANZU_KAFKA_TLS=true, and QUANZU_KAFKA_USER as the cluster has it"
HOW_TO_SCRAM = (
    "Set QUANZU_KAFKA_USER and QUANZU_KAFKA_PASSWORD_FILE to a user that the cluster has; kafka-configs.sh --alter "
    "--entity-type users --add-config 'SCRAM-SHA-512=[password=...]' makes one"
)


def access(settings: Settings) -> dict[str, Any]:
    """Return the keyword arguments for aiokafka and kafka-python: the brokers' addresses, TLS and login.

    Raises SettingsError if the embedded servers are not started yet, and ValueError if the CA file is unusable.
    """
    made: dict[str, Any] = {"bootstrap_servers": settings.brokers}
    if settings.kafka_tls:
        context = authorities("QUANZU_KAFKA_CA", settings.kafka_ca)
        made |= {"security_protocol": "SSL", "ssl_context": context}
    if settings.kafka_user and settings.kafka_password:
        made |= {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": settings.kafka_mechanism,
            "sasl_plain_username": settings.kafka_user,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    return made


def credentials(settings: Settings) -> faust.SASLCredentials | faust.SSLCredentials | None:
    """Return Faust's credentials: SASLCredentials with the login, SSLCredentials for TLS without a login, or None for
    connections without TLS.

    Raises SettingsError if the embedded servers are not started yet, and ValueError if the CA file is unusable.
    """
    made = access(settings)
    if "sasl_mechanism" in made:
        return faust.SASLCredentials(
            username=made["sasl_plain_username"],
            password=made["sasl_plain_password"],
            ssl_context=made["ssl_context"],
            mechanism=made["sasl_mechanism"],
        )
    return faust.SSLCredentials(made["ssl_context"]) if settings.kafka_tls else None


def aio_client(settings: Settings) -> AIOKafkaClient:
    """Return a new aiokafka client, not connected yet.

    Raises SettingsError if the embedded servers are not started yet, and ValueError if the CA file is unusable.
    """
    return AIOKafkaClient(**access(settings))


def admin(settings: Settings, reach_ms: int = REACH_MS) -> KafkaAdminClient:
    """Return a connected admin client of kafka-python, which is also a context manager that closes it. Blocking: call
    it in a thread.

    `reach_ms`: how many milliseconds the client tries to reach a broker. Raises AccessError if Kafka refuses access,
    KafkaError or OSError if it is unavailable, SettingsError if the embedded servers are not started yet, and
    ValueError if the CA file is unusable.
    """
    if settings.kafka_tls:
        check_access(settings)  # kafka-python would retry until its timeout and report only that nobody answered
    try:
        return KafkaAdminClient(**access(settings), bootstrap_timeout_ms=reach_ms)
    except Exception:
        check_access(settings)
        raise


def check_access(settings: Settings) -> None:
    """Raise AccessError with the reason if Kafka refuses access. Do nothing if it grants access or is
    unavailable.

    Raises SettingsError if the embedded servers are not started yet, and ValueError if the CA file is unusable.
    Blocking: call it in a thread.
    """
    with ThreadPoolExecutor(1) as beside:  # the caller may run in an event loop
        why = beside.submit(asyncio.run, _refused(settings)).result()
    if why is not None:
        raise AccessError(why)


async def _refused(settings: Settings) -> str | None:
    """Return the reason that the first answering broker gives for refusing access, or None."""
    for broker in settings.brokers:
        host, _, port = broker.rpartition(":")
        given = {name: value for name, value in access(settings).items() if name != "bootstrap_servers"}
        context = given.get("ssl_context")
        if why := await asyncio.to_thread(refusal, host.strip("[]"), int(port), context, "QUANZU_KAFKA_CA", TLS):
            return f"Kafka at {broker}: {why}"
        try:
            async with asyncio.timeout(REACH_SECONDS):
                await _speak(host, int(port), given)
        except SaslAuthenticationFailed:
            return (
                f"Kafka at {broker} does not let the user {settings.kafka_user!r} in: it has no such user, another "
                f"password for it, or not by {settings.kafka_mechanism}. {HOW_TO_SCRAM}"
            )
        except ConnectionResetError:
            if settings.kafka_tls and not settings.kafka_user:
                return f"Kafka at {broker} closes connections without a login. {HOW_TO_SCRAM}"
        except (KafkaError, OSError, TimeoutError):
            continue
        else:
            return None
    return None


async def _speak(host: str, port: int, given: Mapping[str, Any]) -> None:
    """Connect as a client does and send a request. Raises ConnectionResetError if the broker hangs up."""
    connection = await create_conn(host, port, **given)
    try:
        await connection.send(MetadataRequest([]))
    except KafkaError as error:
        raise ConnectionResetError(str(error)) from error
    finally:
        connection.close()
