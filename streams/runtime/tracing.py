"""Traces: what became of a signal, from intake over screening and casework to the provider's receipt, as spans.

Off unless QUANZU_TRACES names a collector of OpenTelemetry; then nothing but a look at a variable is left of it. From
process to process a trace goes in a header (`traceparent`, W3C Trace Context) of Kafka's records and of the requests to
providers. What begins anew (a deadline, an operator's report) begins a trace of its own; a span names its case, so all
of a case are found. No span holds anything of a person.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from schemas.errors import UserError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor


HEADER = "traceparent"

Trace = bytes
"""A place in a trace: the value of the header that names it."""

_TAKEN = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f][13579bdf]")  # the last bit: it is sampled

_propagator = TraceContextTextMapPropagator()
_tracer: Tracer | None = None


def begin(part: str, endpoint: str | None, ratio: float, processor: "SpanProcessor | None" = None) -> None:
    """Trace what this process does from here on; nothing without an endpoint.

    `part`: which of Quanzu's it is. `ratio`: of the traces that begin here; what goes on follows who began it.
    `processor`: where spans go instead of the endpoint. Raises UserError when the extra is not installed.
    """
    global _tracer
    if endpoint is None and processor is None:
        _tracer = None
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    except ImportError:
        raise UserError(
            "QUANZU_TRACES is set, but traces need the extra: install `quanzu[traces]`, or unset it"
        ) from None
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(ratio)), resource=Resource({"service.name": f"quanzu-{part}"})
    )
    provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    _tracer = provider.get_tracer("quanzu")


@contextmanager
def span(name: str, parent: Trace | None = None, **attributes: str) -> Iterator[None]:
    """What is done inside is one span, and the current one: below `parent`, else below what is current."""
    if _tracer is None:
        yield
        return
    with _tracer.start_as_current_span(name, _context(parent), attributes=_named(attributes)):
        yield


def current() -> Trace | None:
    """The current span as a header's value; none when nothing is traced."""
    return None if _tracer is None else _value(trace.get_current_span())


def exemplar(given: Trace | None) -> dict[str, str] | None:
    """What an observation of a histogram is marked with, so that a board leads to its trace; none if none is taken."""
    found = _TAKEN.fullmatch(given) if given else None
    return {"trace_id": found[1].decode()} if found else None


def headers(given: Trace | None = None) -> list[tuple[str, bytes]]:
    """The headers of a Kafka record that belongs to a trace, or else to the current span."""
    found = given or current()
    return [(HEADER, found)] if found else []


def of_request() -> dict[str, str]:
    """The headers of a request over HTTP that belongs to the current span."""
    return {name: value.decode() for name, value in headers()}


def of_headers(told: Mapping[str, Any] | Sequence[tuple[str, bytes]] | None) -> Trace | None:
    """The trace that a record's headers name; none too when this process traces nothing."""
    if _tracer is None or not told:
        return None
    value = dict(told).get(HEADER)
    return value.encode() if isinstance(value, str) else value


def no_trace(offset: int) -> Trace | None:
    """Of what belongs to none."""


class Traced(Protocol):
    """A record of a topic, as far as spans look at it."""

    @property
    def offset(self) -> int: ...

    @property
    def trace(self) -> Trace | None: ...


class Spans:
    """A batch's spans, one for each record that belongs to a trace or begins one; none when nothing is traced."""

    def __init__(self, name: str, raws: "Sequence[Traced]") -> None:
        tracer = _tracer
        self._spans: dict[int, Span] = (
            {raw.offset: tracer.start_span(name, _context(raw.trace)) for raw in raws} if tracer else {}
        )

    def __enter__(self) -> "Spans":
        return self

    def __exit__(self, *error: object) -> None:
        for each in self._spans.values():
            each.end()

    def tell(self, offset: int, **attributes: str) -> None:
        """What the record at this offset was about."""
        if found := self._spans.get(offset):
            found.set_attributes(_named(attributes))

    def trace(self, offset: int) -> Trace | None:
        """For what follows from the record at this offset."""
        found = self._spans.get(offset)
        return _value(found) if found else None


def _context(parent: Trace | None) -> Context | None:
    return _propagator.extract({HEADER: parent.decode("ascii", "replace")}) if parent else None


def _value(found: Span) -> Trace | None:
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, trace.set_span_in_context(found))
    return carrier[HEADER].encode() if HEADER in carrier else None


def _named(attributes: Mapping[str, str]) -> dict[str, str]:
    return {f"quanzu.{name}": value for name, value in attributes.items()}
