"""`quanzu gateway voice`: place automated calls over a SIP trunk or through an Asterisk."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.common import out

if TYPE_CHECKING:
    from streams.gateways.voice.voices import Voices


def voice(
    config: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The TOML file")],
    check: Annotated[bool, typer.Option("--check", help="Only check the file and what it names; dial nothing")] = False,
    policy: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="With --check: list the messages that are not recorded"),
    ] = None,
) -> None:
    """Take orders for automated calls, place the calls over a SIP trunk or through an Asterisk, and report the results,
    until stopped.

    Refused with exit code 1 if the configuration, or a file that it names, cannot be used; all faults are printed.
    """
    from streams.gateways.voice.process import check_voice_gateway, serve_voice_gateway
    from streams.runtime import logs

    given, _, voices = check_voice_gateway(config)
    if check:
        out.print("the configuration is valid", highlight=False)
        if policy is not None:
            _list_unrecorded(policy, voices)
        return
    logs.begin(given.log_level, given.log_format)
    asyncio.run(serve_voice_gateway(config))


def _list_unrecorded(file: Path, voices: "Voices") -> None:
    """Print each text of the policy's calls, and whether the recordings say it, with every digit."""
    from domain.dispatches.messages import worded
    from domain.policy import load
    from domain.policy.messages import AUTOMATED_CALLS, DEFAULT
    from schemas.people.residents import Language

    messages = load(file.read_text("utf-8")).messages
    for action in AUTOMATED_CALLS:
        for language in Language:
            wording = messages.wording(action)
            for scam in wording.texts(language) if wording else (DEFAULT,):
                text = worded(messages, action, language, scam).format(tail="01234", code="56789")
                said = "recorded" if voices.is_recorded(text, language.value) else "not recorded: espeak-ng says it"
                out.print(f"{action.value}.{language.value}.{scam}: {said}", highlight=False)
