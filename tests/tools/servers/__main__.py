"""python -m tests.tools.servers --brokers 3 starts Kafka and a Redis, prints their addresses, and stops on Ctrl-C"""

import argparse
import secrets
import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path

from streams.channels.settings import ChannelSettings
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.redis import RedisPair, RedisServer

STOP = {signal.SIGINT, signal.SIGTERM}


def main() -> None:
    """Run until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", type=int, default=1)
    parser.add_argument("--sentinel", action="store_true", help="a primary and two replicas with three Sentinels")
    given = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)  # so that they are waited for, and the servers stopped
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quanzu-servers-")))
        kafka = stack.enter_context(Kafka(folder, given.brokers))
        redis = RedisPair(folder / "redis") if given.sentinel else RedisServer(folder / "redis")
        stack.enter_context(redis)
        receipts = ",".join(f"{channel}:{secrets.token_hex(32)}" for channel in ChannelSettings().signers())
        made = f"QUANZU_SECRET={secrets.token_hex(32)} QUANZU_RECEIPTS_SECRET={receipts}"
        addresses = f"QUANZU_KAFKA={kafka.address} QUANZU_REDIS={redis.url} QUANZU_REPLICATION={min(3, given.brokers)}"
        print(f"export {addresses} {made}", flush=True)
        signal.sigwait(STOP)


if __name__ == "__main__":
    main()
