"""The shapes in which Asterisk describes channels, playbacks and events, as its API documents define them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

CAUSES = {0: "Unknown", 1: "Unallocated (unassigned) number", 16: "Normal Clearing", 17: "User busy"}


@dataclass
class PeerChannel:
    """A channel of the simulated Asterisk. `device`: what the endpoint has behind its technology; `apps`: those that
    receive its events; `stasis`: the application that controls it, "" before its answer; `functions`: dialplan
    functions that were set.
    """

    id: str
    technology: str
    device: str
    number: int
    caller: str
    apps: set[str]
    state: str = "Down"
    stasis: str = ""
    functions: dict[str, str] = field(default_factory=dict)
    made: datetime = field(default_factory=lambda: datetime.now(UTC))

    def shape(self) -> dict[str, Any]:
        """Return the channel as JSON has it."""
        name = self.device.rpartition("@")[2].partition("/")[0]
        return {
            "id": self.id,
            "name": f"{self.technology}/{name}-{self.number:08x}",
            "state": self.state,
            "protocol_id": f"{self.number:032x}",
            "caller": {"name": "", "number": self.caller},
            "connected": {"name": "", "number": self.caller},
            "accountcode": "",
            "dialplan": {
                "context": "default",
                "exten": "s",
                "priority": 1,
                "app_name": "Stasis" if self.stasis else "AppDial2",
                "app_data": self.stasis or "(Outgoing Line)",
            },
            "creationtime": moment(self.made),
            "language": "en",
        }


@dataclass
class PeerPlayback:
    """A playback of the simulated Asterisk."""

    id: str
    channel: str
    media: list[str]
    language: str = "en"
    state: str = "queued"

    def shape(self) -> dict[str, Any]:
        """Return the playback as JSON has it."""
        return {
            "id": self.id,
            "media_uri": self.media[0],
            "target_uri": f"channel:{self.channel}",
            "language": self.language,
            "state": self.state,
        }


def event(kind: str, app: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return an event of a type for an application."""
    base = {"type": kind, "timestamp": moment(datetime.now(UTC)), "asterisk_id": "00:00:5e:00:53:01"}
    return {**base, **more, "application": app}


def moment(when: datetime) -> str:
    """Return a time as Asterisk writes it."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}+0000"
