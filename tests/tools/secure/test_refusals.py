"""A worker that a server does not let in, or not do what it must, says who refused what and what to do, and ends."""

from collections.abc import Callable, Mapping

import pytest

from streams.security.rights import Component
from tests.tools.secure.installation import EXPIRED, SECURE, Installation

Changes = Callable[[Installation], Mapping[str, str | None]]


def wrong(made: Installation) -> str:
    file = made.folder / "wrong"
    file.write_text("not the password\n")
    file.chmod(0o600)
    return str(file)


REFUSALS: dict[str, tuple[Changes, list[str]]] = {
    "a wrong password at Kafka": (
        lambda made: {"KAFKA_PASSWORD_FILE": wrong(made)},
        ["Kafka at 127.0.0.1:", "does not let the user 'quanzu-worker' in", "QUANZU_KAFKA_PASSWORD_FILE"],
    ),
    "no user at Kafka": (
        lambda made: {"KAFKA_USER": None, "KAFKA_PASSWORD_FILE": None},
        ["closes connections without a login", "Set QUANZU_KAFKA_USER"],
    ),
    "brokers of an unknown authority": (
        lambda made: {"KAFKA_CA": str(made.strangers.ca)},
        ["Kafka at 127.0.0.1:", "certificate is of nobody trusted", "Set QUANZU_KAFKA_CA"],
    ),
    "brokers with an expired certificate": (
        lambda made: {"KAFKA": f"127.0.0.1:{made.guard.ports[EXPIRED]}"},
        ["Kafka at 127.0.0.1:", "certificate has expired", "Give the server a new one"],
    ),
    "brokers with a certificate for another name": (
        lambda made: {"KAFKA": f"localhost:{made.guard.ports[SECURE]}"},
        ["Kafka at localhost:", "certificate is for another name", "Issue it for the name"],
    ),
    "Kafka spoken to openly": (
        lambda made: {"KAFKA_TLS": None, "KAFKA_USER": None, "KAFKA_PASSWORD_FILE": None},
        ["Kafka at 127.0.0.1:", "speaks TLS only", "Set QUANZU_KAFKA_TLS=true"],
    ),
    "TLS with a Kafka that speaks openly": (
        lambda made: {"KAFKA": made.kafka.address},
        ["Kafka at 127.0.0.1:", "does not speak TLS on this port", "Use its TLS port"],
    ),
    "no right to write at Kafka": (
        lambda made: {"KAFKA_USER": "quanzu-doctor", "KAFKA_PASSWORD_FILE": str(made.secrets / "kafka-doctor")},
        ["does not let the user quanzu-doctor write case-inputs, case-events", "deploy/kafka/acls.sh"],
    ),
    "no right to the group at Kafka": (
        lambda made: {"APP_ID": "another"},
        ["does not let the user quanzu-worker take part in the consumer group another", "deploy/kafka/acls.sh"],
    ),
    "a wrong password at Redis": (
        lambda made: {"REDIS_PASSWORD_FILE": wrong(made)},
        ["Redis does not let this user in", "Set QUANZU_REDIS_USER and QUANZU_REDIS_PASSWORD_FILE"],
    ),
    "a Redis of an unknown authority": (
        lambda made: {"REDIS_CA": str(made.strangers.ca)},
        ["Redis at 127.0.0.1:", "certificate is of nobody trusted", "Set QUANZU_REDIS_CA"],
    ),
    "a Redis with an expired certificate": (
        lambda made: {"REDIS": made.late.url},
        ["Redis at 127.0.0.1:", "certificate has expired", "Give the server a new one"],
    ),
    "Redis spoken to openly": (
        lambda made: {
            "REDIS": made.redis.url.replace("rediss", "redis"),
            "REDIS_USER": None,
            "REDIS_PASSWORD_FILE": None,
        },
        ["Redis at 127.0.0.1:", "speaks TLS only", "Write QUANZU_REDIS as rediss://"],
    ),
    "no right at Redis": (
        lambda made: {"REDIS_USER": "quanzu-doctor", "REDIS_PASSWORD_FILE": str(made.secrets / "redis-doctor")},
        ["Redis does not let this user do what it must", "ACL"],
    ),
    "a file of a password that is not there": (
        lambda made: {"KAFKA_PASSWORD_FILE": "/nowhere/password"},
        ["QUANZU_KAFKA_PASSWORD_FILE = /nowhere/password", "cannot be read", "Name the file"],
    ),
    "a password that would pass openly": (
        lambda made: {"REDIS": made.redis.url.replace("rediss", "redis")},
        ["QUANZU_REDIS is not rediss://", "the password would pass openly"],
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_worker_ends_at_once_with_words_for(refusal: str, installation: Installation) -> None:
    changes, words = REFUSALS[refusal]
    ended = installation.quanzu(installation.environment(Component.WORKER, **changes(installation)), "worker")
    told = " ".join(ended.stderr.split())
    assert ended.returncode == 1, told
    assert not [each for each in words if each not in told], told
    assert "Traceback" not in told
    assert "not the password" not in told
