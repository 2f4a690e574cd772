"""The table [incoming] of the voice gateway's configuration: calls to the centre's own numbers."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.base import encrypted_or_local
from streams.gateways.voice.configuration_base import ConfigurationTable, Number, Seconds, refused_table

GREETING = "您好，这里是反诈专线96110，正在为您接通，请不要挂机。"
CALL_BACK = "抱歉，目前坐席全忙，我们会尽快给您回电。如果您已经转账，请立即拨打110报警。"
SpokenSentence = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class IncomingTable(ConfigurationTable):
    """Calls to the centre.

    `numbers`: the centre's own numbers as the trunk writes them: a call to another one is refused; `reports_url`: that
    of Quanzu's /receipts/incoming-calls; `ring_seconds`: how long one operator's telephone rings; `wait_seconds`: how
    long a caller waits at most; `alarm_seconds`: from which wait on an alarm is raised; `waiting`: most callers that
    wait; `concurrent`: most calls at once, with talks; `per_caller`: most calls of one number at once; `withheld`: the
    same of all callers without a number; `per_second`: most new calls a second whose number the network does not vouch
    for; `sender_is_vouched`: the trunk verifies the number in the From header of every call; `no_mailbox`: no telephone
    of an operator is ever answered by a machine, so that none needs `confirm_key`; `longest_seconds`: of a talk;
    `ready_hours`: after which an operator must sign in for calls again; `greeting`: what a caller hears at first, and
    again after every `greeting_seconds`; `call_back`: what a caller hears whom nobody could serve; `music`: a WAV file
    for those who wait, by default a ringing tone.
    """

    numbers: Annotated[tuple[Number, ...], Field(min_length=1, max_length=50)]
    reports_url: Annotated[str, StringConstraints(max_length=500)]
    ring_seconds: Annotated[float, Field(ge=1, le=60)] = 15.0
    wait_seconds: Annotated[float, Field(ge=1, le=1800)] = 180.0
    waiting: Annotated[int, Field(ge=1, le=500)] = 20
    concurrent: Annotated[int, Field(ge=1, le=500)] = 40
    per_caller: Annotated[int, Field(ge=1, le=50)] = 2
    withheld: Annotated[int, Field(ge=0, le=500)] = 5
    per_second: Annotated[float, Field(gt=0, le=100)] = 5.0
    sender_is_vouched: bool = False
    no_mailbox: bool = False
    alarm_seconds: Annotated[float, Field(ge=1, le=1800)] = 60.0
    longest_seconds: Annotated[float, Field(ge=10, le=14_400)] = 3600.0
    ready_hours: Annotated[float, Field(gt=0, le=24)] = 12.0
    greeting: SpokenSentence = GREETING
    greeting_seconds: Seconds = 30.0
    call_back: SpokenSentence = CALL_BACK
    music: Path | None = None

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if not encrypted_or_local(self.reports_url):
            fix = "write https://HOST/receipts/incoming-calls"
            raise refused_table("plain_reports", "reports_url is no https address", fix)
        if self.waiting > self.concurrent:
            fix = "raise concurrent, or lower waiting"
            raise refused_table("queue_too_long", "more callers may wait than calls are allowed", fix)
        return self
