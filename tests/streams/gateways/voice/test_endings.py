"""Each ending of a call, with sipp as the trunk on loopback."""

from pathlib import Path

import pytest

from tests.streams.gateways.voice.centre import NUMBER, centre_with_receipts, running_gateway, written
from tests.tools.gateway.sipp import SippTrunk, hanging_up, refusing, ringing, sipp_trunk

ENDINGS = {
    486: "busy", 600: "busy", 480: "no_answer", 408: "no_answer", 603: "refused", 404: "wrong_number",
    604: "wrong_number", 484: "wrong_number", 503: "failed",
}  # fmt: skip
FAST = "[calls]\nper_second = 50.0\nrepeat = 1\nkey_seconds = 0.2\nring_seconds = 1.0\n"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_each_refusal_of_the_network_is_a_result_of_the_plan(tmp_path: Path, transport: str) -> None:
    async with sipp_trunk(tmp_path, refusing([*ENDINGS]), "u1" if transport == "udp" else "t1") as trunk:
        found = await _results(tmp_path, trunk, [*ENDINGS], f'transport = "{transport}"')
    assert found == ENDINGS
    assert "From: <sip:96110@127.0.0.1>" in trunk.read()  # the centre's own number, and no other


async def test_an_absent_subscriber_is_out_of_area_though_the_status_says_no_answer(tmp_path: Path) -> None:
    async with sipp_trunk(tmp_path, refusing([480], 'Reason: Q.850;cause=20;text="absent"\n')) as trunk:
        assert await _results(tmp_path, trunk, [480]) == {480: "out_of_area"}


async def test_a_call_that_only_rings_is_cancelled_and_has_no_answer(tmp_path: Path) -> None:
    async with sipp_trunk(tmp_path, ringing()) as trunk:
        assert await _results(tmp_path, trunk, [111]) == {111: "no_answer"}
    assert "\nCANCEL sip:" in trunk.read()


@pytest.mark.parametrize("early", [False, True], ids=["180", "sound before the answer"])
async def test_a_called_person_who_hangs_up_has_answered_without_a_key(tmp_path: Path, early: bool) -> None:
    async with (
        sipp_trunk(tmp_path, hanging_up(700, early=early)) as trunk,
        centre_with_receipts() as (centre, receipts),
        running_gateway(centre, written(tmp_path, trunk.port, receipts, tables=FAST)),
    ):
        assert (await centre.order("d", f"{NUMBER}222")).status_code == 202
        told = await centre.receipt("d")
    assert told["result"] == "answered"
    assert "key" not in told
    assert told["detail"].startswith("cut off after")


async def _results(folder: Path, trunk: SippTrunk, codes: list[int], lines: str = "") -> dict[int, str]:
    """Call a number for each code, and return the results."""
    async with (
        centre_with_receipts() as (centre, receipts),
        running_gateway(centre, written(folder, trunk.port, receipts, lines, FAST)),
    ):
        for code in codes:
            assert (await centre.order(f"d{code}", f"{NUMBER}{code}")).status_code == 202
        return {code: (await centre.receipt(f"d{code}"))["result"] for code in codes}
