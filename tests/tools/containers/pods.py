"""The pods of deploy/kubernetes, started by `podman play kube` beside the servers of the running compose.yaml.

python -m tests.tools.containers.pods FOLDER: FOLDER is a deploy/ whose `stack.sh up` is ready.

podman knows pods, but neither Jobs, StatefulSets, projected volumes nor probes over HTTP. So each template becomes a
Pod as it stands, but for these: the secrets are files of a folder, the addresses and the feeds' keys are those of the
running installation, a volume that is claimed is one of podman's, the probes are asked by this program, no port is
published, and a setting that a pod empties is not in its config map (podman leaves out what is empty). Ends with 1 if a
pod does not get ready.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.tools.containers.stack import DEPLOY, NETWORK

READY_SECONDS = 240.0
OWN_USER = 10001
TLS = {"tls.crt": "crt", "tls.key": "key"}
KINDS = ("Deployment", "StatefulSet", "Job")
SETTINGS = {
    "QUANZU_KAFKA": "kafka-1:9093,kafka-2:9093,kafka-3:9093",
    "QUANZU_REDIS": "rediss+sentinel://sentinel-1:26379,sentinel-2:26379,sentinel-3:26379/quanzu/0",
    "QUANZU_VAULT": "rediss://vault:6379/0",
    "QUANZU_PARTITIONS": "16",
}
"""What an installation writes into configuration.yaml: here the servers of compose.yaml."""


def documents(name: str) -> list[dict[str, Any]]:
    """Return the resources of a file of deploy/kubernetes."""
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text()))


def workloads() -> Iterator[dict[str, Any]]:
    """Yield what has a template of a pod, in the order in which kustomization.yaml lists it."""
    for name in yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())["resources"]:
        yield from (each for each in documents(name) if each["kind"] in KINDS)


def configuration(deploy: Path, container: dict[str, Any]) -> dict[str, Any]:
    """Return the config map with the addresses of compose.yaml's servers, without a container's own settings."""
    (found,) = documents("configuration.yaml")
    lines = (line.partition("=") for line in (deploy / ".env").read_text().splitlines())
    kept = {name: value for name, _, value in lines if name == "QUANZU_API_KEYS"}
    own = {each["name"] for each in container.get("env", ())}
    found["data"] = {name: value for name, value in (found["data"] | SETTINGS | kept).items() if name not in own}
    return found


class Pods:
    """The pods, made in `folder` from the secrets and certificates in `deploy`."""

    def __init__(self, folder: Path, deploy: Path, image: str) -> None:
        self._folder, self._deploy, self._image = folder, deploy, image

    def pod(self, workload: dict[str, Any]) -> dict[str, Any]:
        """Return a workload's first pod, as podman takes it."""
        name = workload["metadata"]["name"]
        spec = workload["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        container["image"] = self._image
        for left_out in ("startupProbe", "livenessProbe", "readinessProbe", "ports"):
            container.pop(left_out, None)
        spec["volumes"] = [self._volume(name, each) for each in spec["volumes"]]
        for claim in workload["spec"].get("volumeClaimTemplates", ()):
            claimed = claim["metadata"]["name"]
            spec["volumes"].append({"name": claimed, "persistentVolumeClaim": {"claimName": f"{name}-{claimed}"}})
        labels = workload["spec"]["template"].get("metadata", {}).get("labels", {})
        metadata = {"name": f"pod-{name}", "labels": labels}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    def _volume(self, pod: str, volume: dict[str, Any]) -> dict[str, Any]:
        """Return a volume with its secrets as files that the pod's group alone may read."""
        sources = volume.get("projected", {}).get("sources") or (
            [{"secret": volume["secret"]}] if "secret" in volume else []
        )
        if not sources:
            return volume
        folder = self._folder / pod / volume["name"]
        folder.mkdir(parents=True)
        for source in sources:
            secret = source["secret"]
            named = secret.get("name") or secret["secretName"]
            items = secret.get("items") or [{"key": key, "path": key} for key in TLS]
            for item in items:
                made = folder / item["path"]
                shutil.copy(self._file(named, item["key"]), made)
                shutil.chown(made, 0, OWN_USER)
                made.chmod(0o440)
        return {"name": volume["name"], "hostPath": {"path": str(folder), "type": "Directory"}}

    def _file(self, secret: str, key: str) -> Path:
        """Return the file that the documentation puts into a secret under a key."""
        if key in TLS:
            own = secret.removeprefix("quanzu-").removesuffix("-tls")
            return self._deploy / "certificates" / f"{own}.{TLS[key]}"
        return self._deploy / ("certificates" if key == "ca.pem" else "secrets") / key

    def play(self, workload: dict[str, Any]) -> dict[str, Any]:
        """Start a workload's pod, ask it what its probe asks, and remove it. Returns what was seen."""
        name = workload["metadata"]["name"]
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        asked = container.get("readinessProbe", {}).get("httpGet")
        ports = {each["name"]: each["containerPort"] for each in container.get("ports", ())}
        resources = [configuration(self._deploy, container), self.pod(workload)]
        gateway = (self._deploy / "gateways" / "gateway.toml").read_text()
        resources.insert(0, _map("quanzu-gateway-sms", {"gateway.toml": gateway}))
        made = self._folder / f"{name}.yaml"
        made.write_text(yaml.safe_dump_all(resources))
        began = time.monotonic()
        try:
            play = ["podman", "play", "kube", "--network", NETWORK, str(made)]
            started = subprocess.run(play, check=False, capture_output=True, text=True)
            if started.returncode:
                return {"refused": started.stderr}
            within = f"pod-{name}-{container['name']}"
            if not asked:
                ended = subprocess.run(["podman", "wait", within], check=True, capture_output=True, text=True).stdout
                return {"ended": int(ended), "seconds": round(time.monotonic() - began, 1)}
            url = f"{asked.get('scheme', 'HTTP').lower()}://127.0.0.1:{ports[asked['port']]}{asked['path']}"
            return {"ready": _answers(within, url), "seconds": round(time.monotonic() - began, 1)}
        finally:
            subprocess.run(["podman", "pod", "rm", "--force", f"pod-{name}"], check=False, capture_output=True)
            claims = [each["metadata"]["name"] for each in workload["spec"].get("volumeClaimTemplates", ())]
            left = ["quanzu-gateway-sms", *(f"{name}-{each}" for each in claims)]
            subprocess.run(["podman", "volume", "rm", "--force", *left], check=False, capture_output=True)


def _map(name: str, data: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _answers(container: str, url: str) -> bool:
    """Return whether a URL in a container answers 200 in time."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        command = ["podman", "exec", container, "python", "-m", "streams.probe", url]
        if not subprocess.run(command, check=False, capture_output=True).returncode:
            return True
        time.sleep(1)
    sys.stderr.write(
        subprocess.run(
            ["podman", "logs", "--tail", "20", container], check=False, capture_output=True, text=True
        ).stderr
    )
    return False


def main() -> int:
    """Play each workload's pod. Returns 1 if one did not get ready, or did not end well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("deploy", type=Path, help="the folder of the running installation")
    parser.add_argument("--image", default="localhost/quanzu:0.1.0")
    parser.add_argument("--only", nargs="*", default=[], help="workloads; none: all")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quanzu-pods-") as folder:
        Path(folder).chmod(0o755)
        pods = Pods(Path(folder), given.deploy, given.image)
        named = {each["metadata"]["name"]: each for each in workloads()}
        found = {name: pods.play(each) for name, each in named.items() if not given.only or name in given.only}
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 0 if all(each.get("ready") or each.get("ended") == 0 for each in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
