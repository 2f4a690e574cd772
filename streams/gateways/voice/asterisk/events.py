"""The events of the Asterisk REST Interface that a call needs, read and validated.

The shapes are those of Asterisk's API documents (rest-api/api-docs of its source), as far as they are used here. Other
fields, and events of other types, are ignored: a newer Asterisk adds some.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

MOST_BYTES = 256 * 1024  # of one event; Asterisk's own have a few kilobytes

ChannelName = Annotated[str, Field(min_length=1, max_length=200)]


class AriEventError(ValueError):
    """A message of Asterisk is no event in the documented shape. The words have no content of it: it may name a
    person.
    """


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ChannelShape(_Shape):
    """A channel. `id`: chosen by this gateway for its own calls; `state`: "Up" once it is answered."""

    id: ChannelName
    state: Annotated[str, Field(max_length=40)]

    @property
    def is_up(self) -> bool:
        """True if the call is answered."""
        return self.state == "Up"

    @property
    def is_ringing(self) -> bool:
        """True if the called telephone rings."""
        return self.state == "Ringing"


class PlaybackState(StrEnum):
    """The state of a playback in a report about its end. Asterisk reports FAILED if the file cannot be had, and also if
    the called side hangs up meanwhile.
    """

    QUEUED = "queued"
    PLAYING = "playing"
    CONTINUING = "continuing"
    DONE = "done"
    FAILED = "failed"


class PlaybackShape(_Shape):
    """A playback. `id`: chosen by this gateway; `target_uri`: "channel:" and the channel's id."""

    id: ChannelName
    state: PlaybackState
    target_uri: Annotated[str, Field(max_length=300)]


class _ChannelEvent(_Shape):
    channel: ChannelShape

    @property
    def channel_id(self) -> str:
        """The id of the channel that the event is about."""
        return self.channel.id


class StasisStart(_ChannelEvent):
    """An answered channel has come under this application's control."""

    type: Literal["StasisStart"]


class StasisEnd(_ChannelEvent):
    """A channel has left this application's control: mostly, because the called side hung up."""

    type: Literal["StasisEnd"]


class ChannelStateChange(_ChannelEvent):
    """A channel's state has changed, such as to Ringing."""

    type: Literal["ChannelStateChange"]

    @property
    def is_progress(self) -> bool:
        """True if the called telephone rings."""
        return self.channel.is_ringing


class Dial(_Shape):
    """The dialling of a channel has gone on. `peer`: the channel; `dialstatus`: such as RINGING."""

    type: Literal["Dial"]
    peer: ChannelShape
    dialstatus: Annotated[str, Field(max_length=40)]

    @property
    def channel_id(self) -> str:
        """The id of the channel that is dialled."""
        return self.peer.id

    @property
    def is_progress(self) -> bool:
        """True if the network reports ringing, or sound before the answer."""
        return self.dialstatus in ("RINGING", "PROGRESS")


class ChannelDtmfReceived(_ChannelEvent):
    """A key was pressed and released."""

    type: Literal["ChannelDtmfReceived"]
    digit: Annotated[str, Field(pattern=r"^[0-9A-E*#]$")]


class ChannelTalkingStarted(_ChannelEvent):
    """The answering side began to talk."""

    type: Literal["ChannelTalkingStarted"]


class ChannelTalkingFinished(_ChannelEvent):
    """The answering side has paused for as long as the gateway asked for."""

    type: Literal["ChannelTalkingFinished"]


class ChannelDestroyed(_ChannelEvent):
    """A channel is gone. `cause`: Q.850; `tech_cause`: of a SIP channel the status, if this Asterisk reports it."""

    type: Literal["ChannelDestroyed"]
    cause: Annotated[int, Field(ge=0, le=1000)]
    tech_cause: Annotated[int, Field(ge=0, le=1000)] | None = None


class PlaybackFinished(_Shape):
    """A playback has ended, successfully or not."""

    type: Literal["PlaybackFinished"]
    playback: PlaybackShape

    @property
    def channel_id(self) -> str:
        """The id of the channel that the sound was played to."""
        return self.playback.target_uri.removeprefix("channel:")


class ApplicationReplaced(_Shape):
    """Another connection has taken over this application: no more events come here."""

    type: Literal["ApplicationReplaced"]


CallEvent = (
    StasisStart
    | StasisEnd
    | ChannelStateChange
    | Dial
    | ChannelDtmfReceived
    | ChannelTalkingStarted
    | ChannelTalkingFinished
    | ChannelDestroyed
    | PlaybackFinished
)


class _Typed(_Shape):
    type: Annotated[str, Field(min_length=1, max_length=100)]


_TYPES = frozenset(
    {
        "StasisStart",
        "StasisEnd",
        "ChannelStateChange",
        "Dial",
        "ChannelDtmfReceived",
        "ChannelTalkingStarted",
        "ChannelTalkingFinished",
        "ChannelDestroyed",
        "PlaybackFinished",
        "ApplicationReplaced",
    }
)
_USED: TypeAdapter[CallEvent | ApplicationReplaced] = TypeAdapter(
    Annotated[CallEvent | ApplicationReplaced, Field(discriminator="type")]
)


def event_of(data: str) -> CallEvent | ApplicationReplaced | None:
    """Return the event in a message of the WebSocket, or None if its type is not used here.

    Raises AriEventError if the message is no JSON, or does not have the documented shape of its type.
    """
    try:
        if _Typed.model_validate_json(data).type not in _TYPES:
            return None
        return _USED.validate_json(data)
    except ValidationError as error:
        places = sorted({".".join(map(str, each["loc"])) or "message" for each in error.errors(include_input=False)})
        raise AriEventError(f"invalid: {', '.join(places)[:200]}") from None
