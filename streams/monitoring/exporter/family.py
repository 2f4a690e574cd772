"""Declares metric families whose samples are all set at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """A declared metric family.

    `name`: as Prometheus shows it, including a counter's `_total`; `meaning`: its help text; `labels`: the names of its
    labels, in order.
    """

    name: str
    kind: Literal["counter", "gauge"]
    meaning: str
    labels: Labels = ()

    def filled(self, values: Mapping[Labels, float], always: Iterable[Labels] = ()) -> Metric:
        """Return the family as a metric with these samples, by label values.

        Label values in `always` that are not in `values` get 0.
        """
        make = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        metric: Metric = make(self.name, self.meaning, labels=self.labels)
        for labels in sorted({*always, *values}):
            metric.add_sample(self.name, dict(zip(self.labels, labels, strict=True)), float(values.get(labels, 0)))
        return metric

    def value(self, value: float) -> Metric:
        """Return the family as a metric with one sample, without labels."""
        return self.filled({(): value})


def gauge(name: str, meaning: str, *labels: str) -> Family:
    """Declare the family of a value that rises and falls. `meaning`: its help text in Prometheus; `labels`: their
    names, in order.
    """
    return Family(name, "gauge", meaning, labels)


def counter(name: str, meaning: str, *labels: str) -> Family:
    """Declare the family of a value that only grows. `meaning`: its help text in Prometheus; `labels`: their names, in
    order.
    """
    return Family(name, "counter", meaning, labels)
