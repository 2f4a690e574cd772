"""The province of a round: small, and in a hurry, so that nine seconds of it hold whole stories."""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from random import Random

from rich.console import Console
from rich.text import Text

from simulators.assumptions import figures
from simulators.assumptions.chance import between
from simulators.assumptions.pace import Pace
from simulators.demo.run import Demo
from simulators.demo.run import Plan as DemoPlan
from simulators.demo.workers import Workers
from simulators.providers import Providers
from simulators.world.province import Province
from streams.installation import Installation
from streams.runtime.settings import Settings
from tests.tools.chaos import gateway_process
from tests.tools.chaos.gateway import SmsGateway, sms_gateway
from tests.tools.chaos.plan import LENGTH, Plan
from tests.tools.chaos.voice import process as voice_process
from tests.tools.chaos.voice.gateway import VoiceGateway, chaos_voice_gateway
from tests.tools.chaos.workers import WatchedWorkers
from tests.tools.servers.faketime import MachineClock

FIRST_AHEAD, SPARE, LONGEST_AHEAD = 10.0, 1.0, 30.0
RESIDENTS = 400
STORIES, ORDINARY = 36, 1_000  # an hour
BEGINS, LIFE = (0, 5), (3, 8)  # minutes: when stories begin, and how long they last


def life(chance: Random, _: figures.Scam) -> timedelta:
    """Some minutes from hook to last payment."""
    return between(chance, *(60 * minutes for minutes in LIFE))


HURRIED = Pace(
    ordinary=lambda residents: ORDINARY,
    stories=lambda residents: STORIES,
    begins=lambda chance: between(chance, *(60 * minutes for minutes in BEGINS)),
    life=life,
)


class Quiet(Demo):
    """A demo that shows nothing, with workers that are watched.

    Its clock is set so that the province begins when the workers are ready: as soon as they were in the round before.
    """

    ahead = FIRST_AHEAD  # wall seconds

    def __init__(self, settings: Settings, plan: Plan, wrongs: Sequence[str], clock: MachineClock | None) -> None:
        shown = DemoPlan(
            timedelta(seconds=LENGTH), seed=plan.seed, residents=RESIDENTS, workers=plan.workers, ahead=Quiet.ahead
        )
        super().__init__(settings, shown, Console(quiet=True), lambda view, title: Text())
        self._wrongs, self._clock, self._round = wrongs, clock, plan
        self.gateway: SmsGateway | None = None
        self.voice: VoiceGateway | None = None
        self._began = time.monotonic()

    async def ready(self, line: Installation) -> None:
        """Return when workers have built all partitions, and learn from how long it took."""
        await super().ready(line)
        if self.gateway is not None:
            await self.gateway.ready()
        if self.voice is not None:
            await self.voice.ready()
        Quiet.ahead = min(time.monotonic() - self._began + SPARE, LONGEST_AHEAD)

    def province(self, secret: bytes) -> Province:
        """The same people and stories for the same seed."""
        return Province(self._plan.seed, self._plan.residents, pace=HURRIED, secret=secret)

    def workers(self, settings: Settings) -> Workers:
        """As many as the plan has."""
        if self.gateway is not None:
            settings = settings.model_copy(update={"sms_url": self.gateway.url})
        if self.voice is not None:
            settings = settings.model_copy(update={"voice_url": self.voice.url})
        return WatchedWorkers(settings, self._plan.workers, self._wrongs, self._clock)

    async def _providers(
        self, stack: AsyncExitStack, line: Installation, province: Province, settings: Settings
    ) -> Providers:
        found = await super()._providers(stack, line, province, settings)
        keys = line.outgoing.channels.receipt_keys(settings)
        if self._round.by_gateway:
            key = keys["sms"][0]
            receipts, wrong = f"{settings.receipts_url}/sms", gateway_wrongs(self._round)
            folder = self._settings.data / "sms-gateway"
            self.gateway = await stack.enter_async_context(sms_gateway(folder, receipts, key, line.clock, wrong))
        if self._round.by_voice_gateway:
            made = chaos_voice_gateway(
                self._settings.data / "voice-gateway",
                f"{settings.receipts_url}/voice",
                keys["voice"][0],
                line.clock,
                [self._round.mutation] if self._round.mutation in voice_process.MUTATIONS else [],
            )
            self.voice = await stack.enter_async_context(made)
        return found


def gateway_wrongs(plan: Plan) -> list[str]:
    """What the gateway of a round is started with."""
    return [plan.mutation] if plan.mutation in gateway_process.MUTATIONS else []
