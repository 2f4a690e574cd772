"""A family of metrics that is filled from what was read, all of its samples at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """What is declared of a family; `name` as Prometheus shows it, a counter's with `_total`."""

    name: str
    kind: Literal["counter", "gauge"]
    meaning: str
    labels: Labels = ()

    def filled(self, values: Mapping[Labels, float], always: Iterable[Labels] = ()) -> Metric:
        """The family with these samples; those in `always` are told as 0 when nothing is known of them."""
        make = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        metric: Metric = make(self.name, self.meaning, labels=self.labels)
        for labels in sorted({*always, *values}):
            metric.add_sample(self.name, dict(zip(self.labels, labels, strict=True)), float(values.get(labels, 0)))
        return metric

    def value(self, value: float) -> Metric:
        """The family of one sample without labels."""
        return self.filled({(): value})


def gauge(name: str, meaning: str, *labels: str) -> Family:
    """What goes up and down."""
    return Family(name, "gauge", meaning, labels)


def counter(name: str, meaning: str, *labels: str) -> Family:
    """What only grows."""
    return Family(name, "counter", meaning, labels)
