"""What guards a Kafka of the tests: listeners with TLS and SCRAM, users with passwords, and ACLs for each of them.

The listener that the tests' own hands use stays open: who comes through it is nobody, and nobody is a super user.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from streams.runtime.embedded import free_port
from tests.tools.servers.certificates import Certificate

MECHANISM = "SCRAM-SHA-512"
JAAS = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
GUARDED = """
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:admin
sasl.enabled.mechanisms=SCRAM-SHA-512
"""


@dataclass
class Guard:
    """`certificates`: for each listener by its name, what it shows. `users`: their passwords by their names."""

    certificates: Mapping[str, Certificate]
    users: Mapping[str, str]
    ports: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.ports = {name: free_port() for name in self.certificates}

    def scram(self) -> Iterator[str]:
        """The options by which a broker's folder is formatted with the users in it."""
        for name, password in self.users.items():
            yield from ("--add-scram", f"{MECHANISM}=[name={name},password={password}]")

    def guarded(self, properties: str) -> str:
        """A broker's properties with the guarded listeners beside the open ones."""
        listeners = "".join(f",{name}://127.0.0.1:{port}" for name, port in self.ports.items())
        protocols = "".join(f",{name}:SASL_SSL" for name in self.ports)
        lines = []
        for line in properties.splitlines():
            more = listeners if line.startswith(("listeners=", "advertised.listeners=")) else ""
            lines.append(line + (protocols if line.startswith("listener.security.protocol.map=") else more))
        return "\n".join([*lines, GUARDED, *self._shown()])

    def _shown(self) -> Iterator[str]:
        for name, certificate in self.certificates.items():
            prefix = f"listener.name.{name.lower()}"
            yield f"{prefix}.ssl.keystore.type=PEM"
            yield f"{prefix}.ssl.keystore.location={certificate.both}"
            yield f"{prefix}.scram-sha-512.sasl.jaas.config={JAAS}"


def tools(folder: Path, java: Sequence[str], class_path: str) -> Mapping[str, str]:
    """An environment in which Kafka's own commands are found by their names, as an installation has them.

    `java`: Java's command, with its options.
    """
    for name, class_ in {
        "kafka-acls.sh": "org.apache.kafka.tools.AclCommand",
        "kafka-storage.sh": "kafka.tools.StorageTool",
        "kafka-server-start.sh": "kafka.Kafka",
    }.items():
        made = folder / name
        made.write_text(f"#!/bin/sh\nexec {' '.join(java)} -cp '{class_path}' {class_} \"$@\"\n")
        made.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
