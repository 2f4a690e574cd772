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
        """Return the family as a metric with one sample for each entry of `values`: the label values, in the order of
        `labels`, and the number. Samples are sorted by their label values.

        Label values in `always` that are not in `values` get 0. Raises ValueError if an entry has more or fewer label
        values than the family has labels.
        """
        make = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        metric: Metric = make(self.name, self.meaning, labels=self.labels)
        for labels in sorted({*always, *values}):
            metric.add_sample(self.name, dict(zip(self.labels, labels, strict=True)), float(values.get(labels, 0)))
        return metric

    def value(self, value: float) -> Metric:
        """Return the family as a metric with this one sample, without labels. Raises ValueError if the family has
        labels.
        """
        return self.filled({(): value})


def gauge(name: str, meaning: str, *labels: str) -> Family:
    """Return the family of a value that rises and falls. `name`: as Prometheus shows it; `meaning`: its help text
    there; `labels`: the names of its labels, in order.
    """
    return Family(name, "gauge", meaning, labels)


def counter(name: str, meaning: str, *labels: str) -> Family:
    """Return the family of a value that only grows. `name`: as Prometheus shows it, including `_total`; `meaning`: its
    help text there; `labels`: the names of its labels, in order.
    """
    return Family(name, "counter", meaning, labels)
