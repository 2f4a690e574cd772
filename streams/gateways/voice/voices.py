"""Makes the sound of a message: from the centre's recordings if they cover the whole text, else with espeak-ng.

The recordings' folder has an index.toml: a table for each language (zh, ko) of texts and files. Texts are phrases of
the policy's messages between their placeholders, and each digit. Files are WAV: 8000 Hz, one channel, 16 bit.
"""

import asyncio
import io
import logging
import shutil
import tomllib
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from domain.carriers.voice_phrases import recordings_of, spelled
from streams.gateways.voice.configuration import ConfigurationFault, SpeechTable
from streams.gateways.voice.media.g711 import RATE, Samples

log = logging.getLogger(__name__)

INDEX = "index.toml"
ESPEAK = "espeak-ng"
VOICES = {"zh": "cmn", "ko": "ko"}
SPEECH_SECONDS = 20.0  # that espeak-ng may take
LONGEST_SECONDS = 120.0  # of a recording
TAPS = 63  # of the low-pass filter before a lower rate


class SpeechError(RuntimeError):
    """No sound can be made for a message: it is not recorded, and espeak-ng fails or is missing."""


@dataclass(frozen=True, slots=True)
class SpokenMessage:
    """The sound of a message, with 8000 samples a second. `source`: "recordings" or "espeak-ng"."""

    samples: Samples
    source: str


class Voices:
    """Speaks messages with the recordings, by language and text, or with espeak-ng. Made by `load_voices`."""

    def __init__(self, recordings: Mapping[str, Mapping[str, Samples]], words_per_minute: int) -> None:
        self._recordings, self._speed = recordings, words_per_minute

    def is_recorded(self, script: str, language: str) -> bool:
        """Return True if the recordings in a language ("zh" or "ko") cover the entire text `script`, so that no word is
        synthesised.
        """
        return self._chosen(script, language) is not None

    async def speak(self, script: str, language: str) -> SpokenMessage:
        """Return the sound of a text in a language ("zh" or "ko"): of the recordings if they cover all of it, else of
        espeak-ng. Raises SpeechError if it is not recorded and espeak-ng cannot speak it.
        """
        chosen = self._chosen(script, language)
        if chosen is not None:
            phrases = self._recordings[language]
            return SpokenMessage(np.concatenate([phrases[text] for text in chosen]), "recordings")
        return SpokenMessage(await self._synthesised(script, language), "espeak-ng")

    def _chosen(self, script: str, language: str) -> tuple[str, ...] | None:
        phrases = self._recordings.get(language, {})
        return recordings_of(script, {text: text for text in phrases})

    async def _synthesised(self, script: str, language: str) -> Samples:
        voice = VOICES.get(language)
        if voice is None:
            raise SpeechError(f"there is no voice for {language[:8]!r}")
        try:
            process = await asyncio.create_subprocess_exec(
                *(ESPEAK, "-v", voice, "-s", str(self._speed), "--stdout", "--stdin", "-b", "1"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            raise SpeechError(f"{ESPEAK} cannot be started ({error.strerror})") from None
        try:
            made, _ = await asyncio.wait_for(process.communicate(spelled(script).encode()), SPEECH_SECONDS)
        except (TimeoutError, asyncio.CancelledError) as error:
            process.kill()
            await process.wait()
            if isinstance(error, asyncio.CancelledError):
                raise
            raise SpeechError(f"{ESPEAK} took over {SPEECH_SECONDS:.0f} s") from None
        if process.returncode or not made:
            raise SpeechError(f"{ESPEAK} failed with status {process.returncode}")
        return await asyncio.to_thread(_telephone, made)


def load_voices(given: SpeechTable) -> tuple[Voices, list[ConfigurationFault]]:
    """Read the recordings. Returns (the voices, the faults found, such as an unreadable recording or a missing
    espeak-ng). If there is a fault, do not use the voices.
    """
    faults: list[ConfigurationFault] = []
    recordings = _read_index(given.recordings, faults) if given.recordings else {}
    if shutil.which(ESPEAK) is None:
        fix = "install the package espeak-ng"
        words = f"{ESPEAK} is missing: a text that is not recorded could not be said"
        faults.append(ConfigurationFault("no_speech", "[speech]", words, fix))
    return Voices(recordings, given.words_per_minute), faults


def load_music(file: Path | None, place: str) -> tuple[Samples, list[ConfigurationFault]]:
    """Return (the samples of a music file, 8000 a second; the faults found). The samples are empty without a file, or
    if it cannot be used, which is a fault. `place`: "[table] key" in the configuration.
    """
    faults: list[ConfigurationFault] = []
    samples = _recording(file.parent, file.name, faults, place) if file else None
    return np.zeros(0, np.int16) if samples is None else samples, faults


def _read_index(folder: Path, faults: list[ConfigurationFault]) -> dict[str, dict[str, Samples]]:
    place, file = "[speech] recordings", folder / INDEX
    try:
        index = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        fix = 'write a table for each language, [zh] and [ko], of lines "text" = "file.wav"'
        faults.append(ConfigurationFault("bad_index", place, f"{file} cannot be read ({error})", fix))
        return {}
    found: dict[str, dict[str, Samples]] = {}
    for language, phrases in index.items():
        if language not in VOICES or not isinstance(phrases, dict):
            fix = f"write one of {', '.join(VOICES)}"
            faults.append(ConfigurationFault("unknown_language", place, f"{file}: [{language}]", fix))
            continue
        for text, name in phrases.items():
            samples = _recording(folder, name, faults)
            if samples is not None:
                found.setdefault(language, {})[text] = samples
    return found


def _recording(
    folder: Path, name: object, faults: list[ConfigurationFault], place: str = "[speech] recordings"
) -> Samples | None:
    path = (folder / str(name)).resolve()
    try:
        if not path.is_relative_to(folder.resolve()):
            raise ValueError("it lies outside the folder")  # noqa: TRY301 - one place tells all faults of a file
        rate, samples = _samples(path.read_bytes())
        if rate != RATE or not 0 < len(samples) <= LONGEST_SECONDS * RATE:
            raise ValueError(f"{rate} Hz, {len(samples) / rate:.0f} s")  # noqa: TRY301
    except (OSError, EOFError, ValueError, wave.Error) as error:
        fix = "convert it: sox IN.wav -r 8000 -c 1 -b 16 OUT.wav"
        words = f"{name} is no WAV file of 8000 Hz, one channel, 16 bit, of at most {LONGEST_SECONDS:.0f} s ({error})"
        faults.append(ConfigurationFault("bad_recording", place, words, fix))
        return None
    return samples


def _samples(data: bytes) -> tuple[int, Samples]:
    """Return the rate and samples of a WAV file. Raises wave.Error, EOFError or ValueError if it is none of 16 bit and
    one channel.
    """
    with wave.open(io.BytesIO(data)) as file:
        if file.getsampwidth() != 2 or file.getnchannels() != 1:
            raise ValueError("not one channel of 16 bit")
        # A program that writes to a pipe does not know the length yet, and writes a greater one.
        return file.getframerate(), np.frombuffer(file.readframes(len(data)), "<i2").astype(np.int16)


def _telephone(made: bytes) -> Samples:
    """Return a WAV file's sound at 8000 samples a second, without the tones above 3.6 kHz that would be folded down."""
    rate, samples = _samples(made)
    if rate == RATE:
        return samples
    place = np.arange(TAPS) - TAPS // 2
    low_pass = np.sinc(2 * 3600 / rate * place) * np.hamming(TAPS)
    smooth = np.convolve(samples.astype(np.float64), low_pass / low_pass.sum(), "same")
    times = np.arange(int(len(smooth) * RATE / rate)) * (rate / RATE)
    found: Samples = np.clip(np.interp(times, np.arange(len(smooth)), smooth), -32768, 32767).astype(np.int16)
    return found
