"""What the bench found that sizes are reckoned with: one table. tests/bench/kept.toml tells by which command, and when.

CPU is of one core of that machine: another's are as many times faster as its `core.us_per_signal` is smaller.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A figure of the bench: `key` is its whole name in the report, and in the kept figures."""

    key: str
    value: float
    unit: str
    what: str


COEFFICIENTS = (
    Coefficient(
        "sizing.core_us_per_signal",
        18.18,
        "µs of CPU",
        "a signal's decisions alone, while these were measured: the pace of a core",
    ),
    Coefficient("sizing.worker_us_per_record", 1901, "µs of CPU", "a record in a worker: Faust, pipelines, the fence"),
    Coefficient("sizing.worker_us_per_place", 71.88, "µs of CPU", "a place's commands in a worker"),
    Coefficient("sizing.worker_us_per_signal", 31.18, "µs of CPU", "a signal in a worker"),
    Coefficient("sizing.redis_us_per_record", 269.2, "µs of CPU", "a record in Redis"),
    Coefficient("sizing.redis_us_per_place", 17.94, "µs of CPU", "a place's commands in Redis"),
    Coefficient("sizing.redis_us_per_signal", 6.61, "µs of CPU", "a signal in Redis"),
    Coefficient("sizing.broker_us_per_record", 60.17, "µs of CPU", "a record written and read at the broker"),
    Coefficient("sizing.broker_us_per_signal", 1.048, "µs of CPU", "a signal written and read at the broker"),
    Coefficient("idle.worker_cores_of_4_partitions", 0.09215, "cores", "an idle worker that has 4 partitions"),
    Coefficient("idle.worker_cores_of_64_partitions", 0.2634, "cores", "an idle worker that has 64"),
    Coefficient("idle.redis_cores_of_4_partitions", 0.01172, "cores", "what it lets Redis do with 4"),
    Coefficient("idle.redis_cores_of_64_partitions", 0.01692, "cores", "what it lets Redis do with 64"),
    Coefficient("idle.broker_cores_of_4_partitions", 0.07044, "cores", "what it lets the broker do with 4"),
    Coefficient("idle.broker_cores_of_64_partitions", 0.1785, "cores", "what it lets the broker do with 64"),
    Coefficient(
        "sizing.worker_us_per_input", 1432, "µs of CPU", "a case input in a worker with casework, board and deadlines"
    ),
    Coefficient(
        "intake.ndjson_500.quanzu.cpu_us_per_signal",
        48.2,
        "µs of the process's CPU",
        "a signal over HTTP, 500 lines at a time",
    ),
    Coefficient("residents.bytes_each", 368.4, "bytes of Redis", "a resident with a telephone and an account"),
    Coefficient("sizing.payments_per_signal", 0.3139, "payments", "payments of residents, in ordinary life"),
    Coefficient("sizing.bytes_per_payment", 253.6, "bytes of Redis", "a payment kept under its payee"),
    Coefficient(
        "sizing.evidence_per_signal", 0.1694, "members of residents' sets", "evidence about residents, in ordinary life"
    ),
    Coefficient("sizing.evidence_days", 14.9, "days", "in how many such evidence fades to a thousandth, on average"),
    Coefficient("sizing.bytes_per_evidence", 394.6, "bytes of Redis", "a member of a resident's evidence"),
    Coefficient("sizing.redis_bytes_per_case", 3764, "bytes", "a case with its inputs' ids, deadlines, queue"),
    Coefficient("sizing.inputs_per_case", 5.835, "inputs", "inputs of a made-up case's first four rounds"),
    Coefficient("sizing.log_bytes_per_record", 33.22, "bytes", "a record's frame on the topic"),
    Coefficient("sizing.log_bytes_per_signal", 264, "bytes", "a signal on the topic, not compressed"),
    Coefficient("sizing.log_bytes_per_resident", 480.1, "bytes", "a resident on the topic"),
    Coefficient("sizing.log_bytes_per_input", 659.6, "bytes", "a case input on its topic"),
    Coefficient("sizing.log_bytes_per_event", 2224, "bytes", "a case event in the journal, with the whole case"),
    Coefficient("sizing.log_bytes_of_dispatches_per_input", 164.4, "bytes", "dispatches, for each input"),
    Coefficient("sizing.to_broker_bytes_per_record", 38.03, "bytes", "a record to the broker"),
    Coefficient("sizing.to_broker_bytes_per_signal", 264.1, "bytes", "a signal to the broker"),
    Coefficient("sizing.from_broker_bytes_per_record", 80.52, "bytes", "a record from the broker to a worker"),
    Coefficient("sizing.from_broker_bytes_per_signal", 281.1, "bytes", "a signal from the broker to a worker"),
    Coefficient("sizing.to_redis_bytes_per_record", 1510, "bytes", "a record to Redis"),
    Coefficient("sizing.to_redis_bytes_per_place", 1013, "bytes", "a place's commands to Redis"),
    Coefficient("sizing.to_redis_bytes_per_signal", 133.7, "bytes", "a signal to Redis"),
    Coefficient("sizing.from_redis_bytes_per_record", 555.8, "bytes", "a record from Redis"),
    Coefficient("sizing.from_redis_bytes_per_place", 419, "bytes", "a place's answers from Redis"),
    Coefficient("sizing.from_redis_bytes_per_signal", 26.37, "bytes", "a signal from Redis"),
)
VALUES = {each.key: each.value for each in COEFFICIENTS}
