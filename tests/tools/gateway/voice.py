"""The long run of the voice gateway: many calls at once over loopback, with sipp as the trunk.

`python -m tests.tools.gateway.voice --calls 1000 --concurrent 100` prints the calls by result, their setup time, the
gaps between the packets that arrive, and the processor time that a call took. It fails if a call has another result
than it should, or is dialled twice.
"""

import argparse
import asyncio
import multiprocessing
import os
import socket
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from streams.runtime.embedded import free_port
from tests.streams.gateways.voice.centre import NUMBER, Centre, centre_with_receipts, running_gateway, written
from tests.tools.gateway.baresip import write_wav
from tests.tools.gateway.sipp import SippTrunk, answering, sipp_trunk

SAID, SECONDS = "这是测试", 4.0
LATE_GAP = 0.06  # seconds: two packets are missing; a telephone's buffer of 60 ms runs empty


def listen(port: int, told: Connection) -> None:
    """Say that it is ready, receive the sound of all calls until something is sent, and tell how many calls were heard
    and the gaps between the packets of each, in seconds.
    """
    receiving = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiving.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 2**20)
    receiving.bind(("127.0.0.1", port))
    receiving.settimeout(0.2)
    told.send("ready")
    last: dict[int, float] = {}
    gaps: list[float] = []
    while not told.poll():
        try:
            data = receiving.recv(2048)
        except TimeoutError:
            continue
        now, source = time.monotonic(), struct.unpack_from("!I", data, 8)[0]
        if source in last:
            gaps.append(now - last[source])
        last[source] = now
    told.send((len(last), gaps))


async def measure(calls: int, concurrent: int, folder: Path) -> int:
    """Place the calls, print the figures, and return 1 if a result is wrong."""
    port = free_port()
    ours, theirs = multiprocessing.Pipe()
    listener = multiprocessing.get_context("spawn").Process(target=listen, args=(port, theirs), daemon=True)
    listener.start()
    ours.recv()  # it listens
    scenario = answering().replace("[media_port]", str(port))
    (folder / "recordings").mkdir()
    write_wav(folder / "recordings" / "said.wav", np.full(int(SECONDS * 8000), 4000, np.int16))
    (folder / "recordings" / "index.toml").write_text(f'[zh]\n"{SAID}" = "said.wav"\n', "utf-8")
    tables = (
        f'[speech]\nrecordings = "recordings"\n[calls]\nconcurrent = {concurrent}\nper_second = 25.0\nrepeat = 1\n'
        f"key_seconds = 0.0\nwaiting = {calls}\nwait_seconds = 600.0\n"
    )
    async with (
        sipp_trunk(folder, scenario) as trunk,
        centre_with_receipts() as (centre, receipts),
        running_gateway(centre, written(folder, trunk.port, receipts, tables=tables)),
    ):
        began, used = time.monotonic(), _processor()
        for number in range(calls):
            answer = await centre.order(f"d{number}", f"{NUMBER}200", SAID)
            assert answer.status_code == 202
        await asyncio.gather(*(centre.receipt(f"d{number}", 3600) for number in range(calls)))
        lasted, cost = time.monotonic() - began, _processor() - used
        ours.send("stop")
        heard, gaps = ours.recv()
        return _print(centre, trunk, calls, lasted, cost, heard, gaps)


def _print(
    centre: Centre, trunk: SippTrunk, calls: int, lasted: float, cost: float, heard: int, gaps: Sequence[float]
) -> int:
    results = Counter(told[0]["result"] for told in centre.receipts.values())
    good = results == {"answered": calls} and trunk.invites() == calls and heard == calls
    late = np.array(gaps)
    print(f"calls {calls}, results {dict(results)}, INVITEs {trunk.invites()}, heard {heard}, in {lasted:.0f} s")
    print(
        f"gaps between packets: median {np.median(late) * 1000:.1f} ms, 99 % {np.percentile(late, 99) * 1000:.1f} ms, "
        f"longest {late.max() * 1000:.0f} ms, over {LATE_GAP * 1000:.0f} ms: {np.mean(late > LATE_GAP):.4%} "
        f"of {len(late)}"
    )
    print(
        f"processor: {cost / calls * 1000:.0f} ms a call, orders and receipts of the test included; "
        f"{cost / len(late) * 1e6:.0f} µs a packet: {len(late) / cost / 50:.0f} calls at once per core"
    )
    return 0 if good else 1


def _processor() -> float:
    times = os.times()
    return times.user + times.system


def main() -> int:
    """Read the options, and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--concurrent", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(given.calls, given.concurrent, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
