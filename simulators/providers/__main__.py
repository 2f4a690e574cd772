"""Standalone providers: `python -m simulators.providers` prints their addresses, and runs until it is stopped."""

import asyncio
import sys

from simulators.providers import running
from streams.channels.settings import load as load_channels
from streams.runtime.clock import Clock
from streams.runtime.settings import load


async def main() -> None:
    """Print the addresses as shell exports, and run providers that behave at random until cancelled. Does not return by
    itself.

    Raises SettingsError if a setting is invalid.
    """
    settings = load()
    async with running(settings, load_channels(), Clock.parse(settings.clock)) as providers:
        sms, bank, station = providers.carrier_url, providers.bank_url, providers.station_url
        sys.stdout.write(f"export QUANZU_SMS_URL={sms} QUANZU_VOICE_URL={sms}\n")
        sys.stdout.write(f"export QUANZU_BANK_URL={bank} QUANZU_STATION_URL={station}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
