"""Measured figures from which `sizing` computes, in one table.

tests/tools/bench/kept.toml names the command that measured each, and the date. CPU times are of one core of that
machine; on another machine they scale with its `core.us_per_signal`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A measured figure. `key`: its full name in the benchmark's report. `what`: the thing that `value` is the cost or
    number of.
    """

    key: str
    value: float
    unit: str
    what: str


COEFFICIENTS = (
    Coefficient(
        "sizing.core_us_per_signal",
        6.438,
        "µs of CPU",
        "a signal's decisions alone, while these were measured: the pace of a core",
    ),
    Coefficient("sizing.worker_us_per_record", 509.1, "µs of CPU", "a record in a worker: Faust, pipelines, the fence"),
    Coefficient("sizing.worker_us_per_place", 8.805, "µs of CPU", "a place's commands in a worker"),
    Coefficient("sizing.worker_us_per_signal", 8.11, "µs of CPU", "a signal in a worker"),
    Coefficient("sizing.redis_us_per_record", 98.14, "µs of CPU", "a record in Redis"),
    Coefficient("sizing.redis_us_per_place", 4.126, "µs of CPU", "a place's commands in Redis"),
    Coefficient("sizing.redis_us_per_signal", 3.035, "µs of CPU", "a signal in Redis"),
    Coefficient("sizing.broker_us_per_record", 28.36, "µs of CPU", "a record written and read at the broker"),
    Coefficient("sizing.broker_us_per_signal", 1.095, "µs of CPU", "a signal written and read at the broker"),
    Coefficient("idle.worker_cores_of_4_partitions", 0.03619, "cores", "an idle worker that has 4 partitions"),
    Coefficient("idle.worker_cores_of_64_partitions", 0.1087, "cores", "an idle worker that has 64"),
    Coefficient("idle.redis_cores_of_4_partitions", 0.004561, "cores", "what it lets Redis do with 4"),
    Coefficient("idle.redis_cores_of_64_partitions", 0.009276, "cores", "what it lets Redis do with 64"),
    Coefficient("idle.broker_cores_of_4_partitions", 0.02709, "cores", "what it lets the broker do with 4"),
    Coefficient("idle.broker_cores_of_64_partitions", 0.06881, "cores", "what it lets the broker do with 64"),
    Coefficient("idle.to_redis_bytes_of_4_partitions", 16100, "bytes/s", "what it sends to Redis with 4"),
    Coefficient("idle.to_redis_bytes_of_64_partitions", 240500, "bytes/s", "what it sends to Redis with 64"),
    Coefficient("idle.from_redis_bytes_of_4_partitions", 7022, "bytes/s", "what Redis sends to it with 4"),
    Coefficient("idle.from_redis_bytes_of_64_partitions", 54940, "bytes/s", "what Redis sends to it with 64"),
    Coefficient("idle.to_broker_bytes_of_4_partitions", 12270, "bytes/s", "what it sends to the broker with 4"),
    Coefficient("idle.to_broker_bytes_of_64_partitions", 148100, "bytes/s", "what it sends to the broker with 64"),
    Coefficient("idle.from_broker_bytes_of_4_partitions", 17340, "bytes/s", "what the broker sends to it with 4"),
    Coefficient("idle.from_broker_bytes_of_64_partitions", 229400, "bytes/s", "what the broker sends to it with 64"),
    Coefficient(
        "sizing.worker_us_per_input", 279.9, "µs of CPU", "a case input in a worker with casework, board and deadlines"
    ),
    Coefficient(
        "intake.ndjson_500.quanzu.cpu_us_per_signal",
        9.8,
        "µs of the process's CPU",
        "a signal over HTTP, 500 lines at a time",
    ),
    Coefficient("residents.bytes_each", 389.7, "bytes of Redis", "a resident with a telephone and an account"),
    Coefficient("sizing.payments_per_signal", 0.3138, "payments", "payments of residents, in ordinary life"),
    Coefficient("sizing.bytes_per_payment", 261.7, "bytes of Redis", "a payment kept under its payee"),
    Coefficient(
        "sizing.evidence_per_signal", 0.1694, "members of residents' sets", "evidence about residents, in ordinary life"
    ),
    Coefficient("sizing.evidence_days", 14.9, "days", "in how many such evidence fades to a thousandth, on average"),
    Coefficient("sizing.bytes_per_evidence", 402.6, "bytes of Redis", "a member of a resident's evidence"),
    Coefficient("sizing.redis_bytes_per_case", 2563, "bytes", "a case with its inputs' ids, deadlines, queue"),
    Coefficient("sizing.inputs_per_case", 5.835, "inputs", "inputs of a made-up case's first four rounds"),
    Coefficient("sizing.log_bytes_per_record", 32.83, "bytes", "a record's frame on the topic"),
    Coefficient("sizing.log_bytes_per_signal", 264, "bytes", "a signal on the topic, not compressed"),
    Coefficient("sizing.log_bytes_per_resident", 480.1, "bytes", "a resident on the topic"),
    Coefficient("sizing.log_bytes_per_input", 459.6, "bytes", "a case input on its topic"),
    Coefficient("sizing.log_bytes_per_event", 1957, "bytes", "a case event in the journal, with the whole case"),
    Coefficient("sizing.log_bytes_of_dispatches_per_input", 149.4, "bytes", "dispatches, for each input"),
    Coefficient("sizing.to_broker_bytes_per_record", 37.62, "bytes", "a record to the broker"),
    Coefficient("sizing.to_broker_bytes_per_signal", 264.1, "bytes", "a signal to the broker"),
    Coefficient("sizing.from_broker_bytes_per_record", 0, "bytes", "a record from the broker to a worker"),
    Coefficient("sizing.from_broker_bytes_per_signal", 272.9, "bytes", "a signal from the broker to a worker"),
    Coefficient("sizing.to_redis_bytes_per_record", 1588, "bytes", "a record to Redis"),
    Coefficient("sizing.to_redis_bytes_per_place", 944, "bytes", "a place's commands to Redis"),
    Coefficient("sizing.to_redis_bytes_per_signal", 134.4, "bytes", "a signal to Redis"),
    Coefficient("sizing.from_redis_bytes_per_record", 1074, "bytes", "a record from Redis"),
    Coefficient("sizing.from_redis_bytes_per_place", 93.96, "bytes", "a place's answers from Redis"),
    Coefficient("sizing.from_redis_bytes_per_signal", 23.86, "bytes", "a signal from Redis"),
)
VALUES = {each.key: each.value for each in COEFFICIENTS}
