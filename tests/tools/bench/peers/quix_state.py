"""Quix Streams with its own state: RocksDB with a changelog topic, written at each checkpoint.

Quix Streams, "Stateful Applications" and "Checkpointing". A record's signals share its key, so its state holds payees
and residents side by side, as bytes (`set_bytes`), which spares it a second JSON.
"""

from quixstreams import Application, State, message_context
from quixstreams.models import Serializer

from schemas.casework.inputs import Alert
from streams.runtime.settings import load
from tests.tools.bench.peers.work import TOPIC, Work

CHECKPOINT_SECONDS = 1.0

settings = load()
work = Work(settings)


class Json(Serializer):  # type: ignore[misc]  # Quix Streams is not installed beside mypy
    """An alert as it lies on the topic."""

    def __call__(self, value: Alert, ctx: object) -> bytes:
        return value.model_dump_json().encode()


def screen(value: bytes, state: State) -> list[Alert]:
    """Screen a record; its alerts go on."""
    record = work.read(message_context().offset, value)
    for token, payment in record.paid:
        before = state.get_bytes(token)
        state.set_bytes(token, before + b"\n" + payment.encode() if before else payment.encode())
    alerts = []
    for resident in record.evidence:
        after, alert = work.judge(resident, state.get_bytes(resident), record)
        state.set_bytes(resident, after)
        if alert:
            alerts.append(alert)
    return alerts


def main() -> None:
    """Run until killed."""
    app = Application(
        broker_address=",".join(settings.brokers),
        consumer_group=settings.app_id,
        auto_offset_reset="earliest",
        commit_interval=CHECKPOINT_SECONDS,
        state_dir=settings.data / settings.app_id,
        loglevel="WARNING",
    )
    records = app.dataframe(app.topic(TOPIC, key_deserializer="bytes", value_deserializer="bytes"))
    alerts = app.topic("case-inputs", key_serializer="str", value_serializer=Json())
    found = records.apply(screen, stateful=True, expand=True)
    found.to_topic(alerts, key=lambda alert: alert.resident)
    app.run()


if __name__ == "__main__":
    main()
