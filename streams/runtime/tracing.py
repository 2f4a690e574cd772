"""Tracing with OpenTelemetry: a signal's way from intake to the provider's receipt, as spans.

Off unless QUANZU_TRACES names a collector; then each call only checks a variable. Between processes, a trace is passed
in the header `traceparent` (W3C Trace Context) of Kafka records and of requests to providers. A deadline or an
operator's report starts a new trace; spans name their case, so all traces of a case can be found. Spans contain no
personal data.
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
"""The identity of a span: the value of its `traceparent` header."""

_TAKEN = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f][13579bdf]")  # the last bit: sampled

_propagator = TraceContextTextMapPropagator()
_tracer: Tracer | None = None


def begin(part: str, endpoint: str | None, ratio: float, processor: "SpanProcessor | None" = None) -> None:
    """Start tracing in this process; a later call replaces the earlier one. Without an endpoint and a processor, turn
    it off, which needs no extra.

    `part`: the name of this program. `endpoint`: the collector's URL. `ratio`: the fraction (0 to 1) of new traces that
    is recorded; a continued trace is recorded if its beginning was. `processor`: receives the spans instead of the
    endpoint. To start it, raises UserError if the extra `traces` is not installed, and ValueError if `ratio` is not
    from 0 to 1.
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
    """Context manager: run the block in a new span, which is a child of `parent`, or of the current span if that is
    None.

    The names of `attributes` get the prefix "quanzu.". If tracing is off, only the block runs.
    """
    if _tracer is None:
        yield
        return
    with _tracer.start_as_current_span(name, _context(parent), attributes=_named(attributes)):
        yield


def current() -> Trace | None:
    """Return the identity of the current span (the value of its `traceparent` header), or None if no span is open or
    tracing is off.
    """
    return None if _tracer is None else _value(trace.get_current_span())


def exemplar(given: Trace | None) -> dict[str, str] | None:
    """Return the label, {"trace_id": ...}, that links a histogram's observation to its trace; None if the trace is
    not recorded.
    """
    found = _TAKEN.fullmatch(given) if given else None
    return {"trace_id": found[1].decode()} if found else None


def headers(given: Trace | None = None) -> list[tuple[str, bytes]]:
    """Return the Kafka headers, (name, value) each, for a record of the trace `given`; without it, of the current span.
    Empty if no span is open either.
    """
    found = given or current()
    return [(HEADER, found)] if found else []


def of_request() -> dict[str, str]:
    """Return the HTTP headers, by name, for a request made in the current span; empty if no span is open or tracing is
    off.
    """
    return {name: value.decode() for name, value in headers()}


def of_headers(told: Mapping[str, Any] | Sequence[tuple[str, bytes]] | None) -> Trace | None:
    """Return the trace in a record's headers (`told`), or None if they have none or tracing is off."""
    if _tracer is None or not told:
        return None
    value = dict(told).get(HEADER)
    return value.encode() if isinstance(value, str) else value


def no_trace(offset: int) -> Trace | None:
    """Return None for every offset. Used in place of Spans.trace for records without a trace."""


class Traced(Protocol):
    """A record with its offset on the topic, and its trace (None if it has none). `Spans` needs no more of a record."""

    @property
    def offset(self) -> int:
        """The record's offset on its topic."""

    @property
    def trace(self) -> Trace | None:
        """The trace in the record's headers, or None if it has none."""


class Spans:
    """Context manager: the open spans of a batch, one for each record; leaving the block ends them.

    No spans if tracing is off.
    """

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

    def note_subject(self, offset: int, **attributes: str) -> None:
        """Set attributes, with the prefix "quanzu.", on the span of the record at this offset, if it has one."""
        if found := self._spans.get(offset):
            found.set_attributes(_named(attributes))

    def trace(self, offset: int) -> Trace | None:
        """Return the identity of the span of the record at this offset, to be the trace of messages that follow from
        it; None if the record has no span, or tracing is off.
        """
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
