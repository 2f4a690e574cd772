"""Each ending of a call through Asterisk is a result of the plan; a simulated Asterisk is the peer."""

import asyncio
from pathlib import Path

import httpx
import pytest

from streams.gateways.voice.voices import Voices
from tests.streams.gateways.voice.asterisk.rig import CALLS, called, calling, until
from tests.streams.gateways.voice.centre import NUMBER
from tests.tools.gateway.asterisk.line import NEVER, Callee

UNFETCHED = "Asterisk did not fetch the message: it must reach sounds_url"
REFUSALS = {
    "017": (Callee(cause=17), "busy"),
    "019": (Callee(cause=19), "no_answer"),
    "180": (Callee(cause=18, status=408), "no_answer"),
    "183": (Callee(cause=18, status=408, progress="PROGRESS"), "no_answer"),
    "408": (Callee(cause=18, status=408, progress=""), "failed"),  # the trunk is silent
    "018": (Callee(cause=18, progress=""), "failed"),
    "021": (Callee(cause=21), "refused"),
    "603": (Callee(cause=21, status=603), "refused"),
    "403": (Callee(cause=21, status=403), "failed"),  # the trunk refuses this caller, not the resident
    "001": (Callee(cause=1, status=404), "wrong_number"),
    "028": (Callee(cause=28), "wrong_number"),
    "020": (Callee(cause=20, status=480), "out_of_area"),
    "502": (Callee(cause=27, status=502), "failed"),
    "034": (Callee(cause=34, status=503), "failed"),
    "000": (Callee(cause=0), "failed"),
}


async def test_each_refusal_of_the_network_is_a_result_of_the_plan(tmp_path: Path) -> None:
    callees = {last: callee for last, (callee, _) in REFUSALS.items()}
    async with calling(tmp_path, callees=callees) as (centre, peer):
        found = {last: (await called(centre, last))["result"] for last in REFUSALS}
    assert found == {last: result for last, (_, result) in REFUSALS.items()}
    assert len(peer.dialled) == len(REFUSALS)
    assert peer.fetched == []  # nobody answered


async def test_a_pressed_key_is_the_result_and_ends_the_call(tmp_path: Path) -> None:
    callees = {last: Callee(keys=((0.1, "5"), (0.3, last[0]))) for last in ("111", "222", "999")}
    async with calling(tmp_path, callees=callees) as (centre, peer):
        for last in callees:
            told = await called(centre, last)
            assert (told["result"], told["key"]) == ("answered", last[0])  # 5 is no key of the message
        assert peer.lines == {}


async def test_the_message_is_fetched_once_and_played_again(tmp_path: Path) -> None:
    async with calling(tmp_path, calls=CALLS.replace("repeat = 1", "repeat = 3")) as (centre, peer):
        told = await called(centre, "234")
    assert told["result"] == "answered"
    assert "key" not in told
    assert told["detail"].startswith("no key")
    assert told["detail"].endswith("message played 3 times")
    assert len(peer.fetched) == 1
    assert sum(each["type"] == "PlaybackFinished" for each in peer.sent) == 3


async def test_a_called_person_who_hangs_up_is_cut_off(tmp_path: Path) -> None:
    callees = {"222": Callee(hangs_up=0.4)}
    async with calling(tmp_path, callees=callees, speed=1.0) as (centre, _):
        told = await called(centre, "222")
    assert told["result"] == "answered"
    assert told["detail"] == "cut off after 0 s, message played 0 times"


async def test_a_call_that_only_rings_is_hung_up_and_has_no_answer(tmp_path: Path) -> None:
    async with calling(tmp_path, callees={"111": NEVER}) as (centre, peer):
        assert await called(centre, "111") == {"result": "no_answer", "detail": "rang for 2 s"}
        assert peer.lines == {}


async def test_a_machine_that_talks_on_is_a_mailbox_and_a_short_greeting_a_person(tmp_path: Path) -> None:
    callees = {"100": Callee(talks=((0.1, 8.0),)), "200": Callee(talks=((0.1, 0.9),), keys=((3.0, "1"),))}
    calls = CALLS.replace("key_seconds = 0.3", "key_seconds = 4.0")
    async with calling(tmp_path, calls, detect_talk=True, callees=callees) as (centre, peer):
        mailbox, person = await asyncio.gather(called(centre, "100"), called(centre, "200"))
    assert mailbox["result"] == "voicemail"
    assert mailbox["detail"].endswith("message played 1 times")
    assert (person["result"], person["key"]) == ("answered", "1")
    values = [body for _, path, body in peer.asked if path.endswith("/variable")]
    assert values == [b'{"variable":"TALK_DETECT(set)","value":"800,400"}'] * 2


async def test_a_trunk_that_asterisk_does_not_have_is_a_failure_and_no_doubt(tmp_path: Path) -> None:
    async with calling(tmp_path, trunks=frozenset({"other"})) as (centre, peer):
        told = await called(centre, "111")
    assert told == {"result": "failed", "detail": "Asterisk answered 500: it cannot call through this endpoint"}
    assert peer.dialled == []


async def test_a_message_that_asterisk_does_not_play_is_a_failure(tmp_path: Path) -> None:
    async with calling(tmp_path) as (centre, peer):
        peer.faults.before["POST play"] = [500, 500, 500]
        told = await called(centre, "111")
    assert told == {"result": "failed", "detail": "Asterisk answered 500 to the command to play"}


async def test_a_message_that_asterisk_cannot_fetch_is_a_failure_though_all_hang_up(
    tmp_path: Path,
) -> None:
    """Asterisk reports the hang-up only when its download has failed, right after the end of the playback."""
    async with calling(tmp_path, callees={"222": Callee(hangs_up=0.3)}) as (centre, peer):
        peer.faults.unreachable = 1.5
        told = await called(centre, "222")
    assert told == {"result": "failed", "detail": UNFETCHED}
    assert peer.fetched == []


async def test_a_message_that_asterisk_does_not_ask_for_is_given_up_long_before_its_own_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.gateways.voice.asterisk.calls.FETCH_SECONDS", 0.5)
    async with calling(tmp_path) as (centre, peer):
        peer.faults.unreachable = 1e6
        told = await called(centre, "222")
    assert told == {"result": "failed", "detail": UNFETCHED}


async def test_a_message_that_was_heard_is_no_failure_when_it_cannot_be_played_again(tmp_path: Path) -> None:
    calls = CALLS.replace("repeat = 1", "repeat = 2").replace("pause_seconds = 0.1", "pause_seconds = 2.0")
    async with calling(tmp_path, calls) as (centre, peer):
        assert (await centre.order("d", f"{NUMBER}111")).status_code == 202
        await until(lambda: any(each["type"] == "PlaybackFinished" for each in peer.sent))
        peer.faults.before["POST play"] = [500, 500, 500]
        told = await centre.receipt("d")
    assert told["result"] == "answered"
    assert told["detail"].endswith("message played 1 times; Asterisk answered 500 to the command to play")


async def test_a_call_is_not_placed_when_the_events_are_cut_while_its_message_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with calling(tmp_path) as (centre, peer):
        speak = Voices.speak

        async def spoken(voices: Voices, script: str, language: str) -> object:
            message = await speak(voices, script, language)
            await peer.cut()
            await asyncio.sleep(0.3)
            return message

        monkeypatch.setattr(Voices, "speak", spoken)
        told = await called(centre, "111")
    assert told == {"result": "failed", "detail": "not dialled: no events of Asterisk"}
    assert peer.dialled == []


async def test_no_number_is_in_an_address_and_a_sound_is_served_during_its_call_only(tmp_path: Path) -> None:
    async with calling(tmp_path) as (centre, peer):
        await called(centre, "234")
        number = f"{NUMBER}234".removeprefix("+86")
        assert peer.dialled == [f"{number}@carrier"]
        assert not [path for _, path, _ in peer.asked if number in path]
        assert sum(number.encode() in body for _, _, body in peer.asked) == 1
        async with httpx.AsyncClient() as client:
            assert (await client.get(peer.fetched[0])).status_code == 404
            assert (await client.get(f"{centre.gateway}/sounds/unknown.wav")).status_code == 404
