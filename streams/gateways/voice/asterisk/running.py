"""Runs the way through Asterisk: builds its parts from the configuration, and connects them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.gateways.voice.asterisk.calls import AsteriskCalls
from streams.gateways.voice.asterisk.commands import AriCommands
from streams.gateways.voice.asterisk.exchange import AsteriskExchange
from streams.gateways.voice.asterisk.sounds import OfferedSounds
from streams.gateways.voice.configuration import VoiceConfiguration
from streams.gateways.voice.secrets import VoiceSecrets
from streams.gateways.voice.voices import Voices


@asynccontextmanager
async def asterisk_calls(
    given: VoiceConfiguration, secrets: VoiceSecrets, voices: Voices
) -> AsyncIterator[AsteriskCalls | None]:
    """Context manager: stay connected to Asterisk during the block; yields the object that places calls through it, or
    None if calls go over the SIP trunk. It may not be connected yet: see its `up`. End the calls before the block ends.
    """
    table, login = given.asterisk, secrets.asterisk
    if given.calls.over == "trunk" or table is None or login is None or login.password is None:
        yield None
        return
    async with AriCommands(table, login.password, login.context) as commands:
        exchange = AsteriskExchange(table, commands)
        await exchange.open()
        try:
            yield AsteriskCalls(exchange, given.calls, voices, OfferedSounds(table.sounds_url))
        finally:
            await exchange.close()
