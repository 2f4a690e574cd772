"""Builds SIP requests and responses."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiosipua.headers import CSeq, Via, stringify_cseq, stringify_via
from aiosipua.message import SipRequest, SipResponse
from aiosipua.utils import bracket_ipv6, format_addr, generate_branch

from streams.gateways.voice.sip.connection import TrunkConnection

AGENT = "Quanzu"
ALLOWED = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO"


@dataclass(frozen=True, slots=True)
class DialogParties:
    """The two ends of a dialog.

    `local`, `remote`: their URIs; the tags: "" while unknown; `target`: the URI to which requests are sent; `routes`:
    the proxies that they pass, the nearest first.
    """

    call_id: str
    local: str
    local_tag: str
    remote: str
    remote_tag: str
    target: str
    routes: Sequence[str] = ()


def contact_of(connection: TrunkConnection, user: str) -> str:
    """Return the URI, in angle brackets, at which the trunk reaches this side, such as
    <sip:96110@10.0.0.5:5060;transport=tcp>.
    """
    end = f"sip:{user}@{format_addr(*connection.local)}"
    return f"<{end};transport={connection.transport.lower()}>"


def make_request(method: str, parties: DialogParties, number: int, connection: TrunkConnection) -> SipRequest:
    """Return a new request in the dialog of `parties`, with a new branch in its Via header. It is not sent. `number`:
    of its CSeq header.
    """
    request = SipRequest(method=method, uri=parties.target)
    host, port = connection.local
    via = Via(
        transport=connection.transport,
        host=bracket_ipv6(host),
        port=port,
        params={"branch": generate_branch(), "rport": None},
    )
    request.headers.append("Via", stringify_via(via))
    request.headers.set_single("Max-Forwards", "70")
    request.headers.set_single("From", f"<{parties.local}>;tag={parties.local_tag}")
    tag = f";tag={parties.remote_tag}" if parties.remote_tag else ""
    request.headers.set_single("To", f"<{parties.remote}>{tag}")
    request.headers.set_single("Call-ID", parties.call_id)
    request.headers.set_single("CSeq", stringify_cseq(CSeq(seq=number, method=method)))
    for route in parties.routes:
        request.headers.append("Route", route)
    request.headers.set_single("User-Agent", AGENT)
    return request


def make_response(request: SipRequest, status: int, reason: str, tag: str) -> SipResponse:
    """Return a response to a request, with `status` and `reason`. It is not sent. `tag`: this side's, used if the
    request's To header has none.
    """
    response = SipResponse(status_code=status, reason_phrase=reason)
    for name in ("Via", "Record-Route"):
        for value in request.get_header_values(name):
            response.headers.append(name, value)
    for name in ("From", "Call-ID", "CSeq"):
        response.headers.set_single(name, request.get_header(name) or "")
    to = request.get_header("to") or ""
    response.headers.set_single("To", to if "tag=" in to else f"{to};tag={tag}")
    response.headers.set_single("Allow", ALLOWED)
    return response
