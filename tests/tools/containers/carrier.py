"""The simulated carrier as a container on the installation's network: SMPP over TLS, by jSMPP."""

import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.tools.containers.stack import CARRIER, NETWORK, Stack
from tests.tools.servers.kafka import jars

HERE = Path(__file__).parents[1] / "gateway"
NAME = "quanzu-carrier"
PORT = 3550
RECEIPT_MILLISECONDS = 200
JAVA_USER = 1000
WITH_HEADER = 0x40


@dataclass(frozen=True)
class Taken:
    """A segment that the carrier took from the wire: to which telephone, and its text without the header before it."""

    phone: str
    text: bytes


class Carrier:
    """The carrier's container, for as long as the context lasts."""

    def __init__(self, stack: Stack, image: str) -> None:
        """`image`: one with Java."""
        self._stack, self._image, self._folder = stack, image, stack.folder / "carrier"

    def __enter__(self) -> "Carrier":
        """Compile it, make its key store, and start it under the name in gateway.toml."""
        self._folder.mkdir()
        for jar in jars(HERE / "pom.xml").split(":"):
            for each in Path(jar).parent.glob(Path(jar).name):
                self._stack.ran(["cp", str(each), str(self._folder)])
        path = ":".join(map(str, self._folder.glob("*.jar")))
        self._stack.ran(
            ["javac", "--release", "17", "-nowarn", "-d", str(self._folder), "-cp", path, str(HERE / "Smsc.java")]
        )
        own = self._stack.deploy / "certificates" / CARRIER
        store = self._folder / "carrier.p12"
        made = ["openssl", "pkcs12", "-export", "-in", f"{own}.crt", "-inkey", f"{own}.key", "-out", str(store)]
        self._stack.ran([*made, "-passout", "pass:carrier"])
        self._stack.ran(["chown", "-R", str(JAVA_USER), str(self._folder)])
        if subprocess.run(["podman", "network", "exists", NETWORK], check=False).returncode:
            self._stack.ran(["podman", "network", "create", NETWORK])
        limits = ["--read-only", "--cap-drop", "all", "--user", str(JAVA_USER), "--memory", "512m"]
        run = ["podman", "run", "--detach", "--name", NAME, "--network", NETWORK, "--network-alias", CARRIER, *limits]
        java = ["java", "-Xmx128m", "-XX:+UseSerialGC", "-Djavax.net.ssl.keyStore=/carrier/carrier.p12"]
        java += ["-Djavax.net.ssl.keyStorePassword=carrier", "-cp", "/carrier:/carrier/*", "Smsc"]
        words = ["/carrier", str(RECEIPT_MILLISECONDS), str(PORT), "tls"]
        self._stack.ran([*run, "--volume", f"{self._folder}:/carrier", self._image, *java, *words])
        return self

    def __exit__(self, *ended: object) -> None:
        """Stop and remove it. What it took stays readable."""
        self._stack.ran(["podman", "rm", "--force", "--time", "1", NAME])

    def taken(self) -> list[Taken]:
        """Return what it took from the wire, in this order."""
        log = self._folder / "wire.log"
        rows = [line.split(" ") for line in log.read_text().splitlines()] if log.exists() else []
        return [Taken(f"+{row[4].lstrip('+')}", _text(bytes.fromhex(row[5]), int(row[3]))) for row in rows]

    def twice(self) -> int:
        """Return how many segments it took more than once: the same text to the same telephone."""
        return sum(times - 1 for times in Counter(self.taken()).values())


def _text(content: bytes, esm_class: int) -> bytes:
    """Return a segment's text: a message sent anew would have another reference in its header."""
    return content[content[0] + 1 :] if esm_class & WITH_HEADER else content
