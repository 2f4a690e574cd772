"""sipp as a trunk: it answers a call by the last three digits of the number."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from streams.runtime.embedded import free_port

RING_MILLISECONDS = 300
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="trunk">
"""
_COMMON = """[last_Via:]
[last_From:]
[last_To:];tag=[pid]SIPp[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[local_ip]:[local_port];transport=[transport]>
"""
_INVITE = """<recv request="INVITE" crlf="true">
 <action><ereg regexp="sip:[+0-9]*([0-9]{3})@" search_in="hdr" header="To:" assign_to="all,code"/></action>
</recv>
"""
_SDP = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=trunk 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
"""


def _send(head: str, body: str = "Content-Length: 0\n\n", attributes: str = "") -> str:
    return f"<send {attributes}><![CDATA[\n{head}\n{_COMMON}{body}\n]]></send>\n"


def refusing(codes: Sequence[int], more: str = "") -> str:
    """A trunk that refuses each call with the status in the number's last digits, one of `codes`. `more`: header
    lines.
    """
    tests = "".join(
        f'<test assign_to="is{code}" variable="number" compare="equal" value="{code}"/>\n' for code in codes
    )
    jumps = "".join(f'<nop next="l{code}" test="is{code}"/>\n' for code in codes)
    answers = "".join(
        f'<label id="l{code}"/>\n'
        + _send(f"SIP/2.0 {code} Ending", more + "Content-Length: 0\n\n", 'retrans="500"')
        + '<recv request="ACK" next="end"/>\n'
        for code in codes
    )
    number = f'<nop><action><todouble assign_to="number" variable="code"/>\n{tests}</action></nop>\n'
    used = '<Reference variables="all"/>\n'
    return (
        f'{_HEAD}{_INVITE}{used}{number}{_send("SIP/2.0 180 Ringing")}{jumps}{answers}<label id="end"/>\n</scenario>\n'
    )


def refusing_every(code: int) -> str:
    """A trunk that refuses each call with this status."""
    used = '<Reference variables="all,code"/>\n'
    refusal = _send(f"SIP/2.0 {code} Ending", attributes='retrans="500"')
    return f"{_HEAD}{_INVITE}{used}{_send('SIP/2.0 180 Ringing')}{refusal}" + '<recv request="ACK"/>\n</scenario>\n'


def by_last_digit(codes: Mapping[str, int]) -> str:
    """A trunk that refuses a call with the status of its number's last digit, after a moment of ringing; numbers with
    other digits answer and listen until the caller hangs up.
    """
    invite = _INVITE.replace("([0-9]{3})", "([0-9])")
    tests = "".join(
        f'<test assign_to="is{code}" variable="number" compare="equal" value="{digit}"/>\n'
        for digit, code in codes.items()
    )
    number = f'<nop><action><todouble assign_to="number" variable="code"/>\n{tests}</action></nop>\n'
    jumps = "".join(f'<nop next="l{code}" test="is{code}"/>\n' for code in codes.values())
    bye = _send("SIP/2.0 200 OK").replace(";tag=[pid]SIPp[call_number]", "")
    answered = (
        _send("SIP/2.0 200 OK", _SDP, 'retrans="500"')
        + f'<recv request="ACK"/>\n<recv request="BYE"/>\n{bye}<nop next="end"/>\n'
    )
    refused = "".join(
        f'<label id="l{code}"/>\n'
        + _send(f"SIP/2.0 {code} Ending", attributes='retrans="500"')
        + '<recv request="ACK" next="end"/>\n'
        for code in codes.values()
    )
    rings = _send("SIP/2.0 180 Ringing") + f'<pause milliseconds="{RING_MILLISECONDS}"/>\n'
    used = '<Reference variables="all"/>\n'
    return f'{_HEAD}{invite}{used}{number}{rings}{jumps}{answered}{refused}<label id="end"/>\n</scenario>\n'


def ringing() -> str:
    """A trunk whose telephones ring until the caller gives up."""
    terminated = _send("SIP/2.0 487 Request Terminated", attributes='retrans="500"')
    taken = """<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[pid]SIPp[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"""
    final = terminated.replace("[last_Via:]", "[$via]").replace("[last_CSeq:]", "CSeq: [$number] INVITE")
    keep = """<recv request="INVITE" crlf="true"><action>
 <ereg regexp=".*" search_in="hdr" header="Via:" assign_to="v"/>
 <ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="number"/>
 <assignstr assign_to="via" value="Via: [$v]"/>
</action></recv>
<Reference variables="v"/>
"""
    return (
        _HEAD
        + keep
        + _send("SIP/2.0 180 Ringing")
        + '<recv request="CANCEL"/>\n'
        + taken
        + final
        + ('<recv request="ACK"/>\n</scenario>\n')
    )


def hanging_up(milliseconds: int, *, early: bool = False) -> str:
    """A trunk whose telephones answer, and hang up after a while. `early`: with sound before the answer."""
    bye = f"""<pause milliseconds="{milliseconds}"/>
<send retrans="500"><![CDATA[
BYE sip:[$caller]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: [$to];tag=[pid]SIPp[call_number]
To: [$from]
[last_Call-ID:]
CSeq: 1 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv response="200"/>
"""
    invite = """<recv request="INVITE" crlf="true"><action>
 <ereg regexp="sip:([0-9]+)@" search_in="hdr" header="From:" assign_to="whole,caller"/>
 <ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>
 <ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>
</action></recv>
<Reference variables="whole"/>
"""
    answer = _send("SIP/2.0 200 OK", _SDP, 'retrans="500"')
    rings = _send("SIP/2.0 183 Session Progress", _SDP) if early else _send("SIP/2.0 180 Ringing")
    if early:
        rings += '<pause milliseconds="400"/>\n'
    return _HEAD + invite + rings + answer + '<recv request="ACK"/>\n' + bye + "</scenario>\n"


def answering() -> str:
    """A trunk whose telephones answer and listen until the caller hangs up."""
    answer = _send("SIP/2.0 200 OK", _SDP, 'retrans="500"')
    bye = _send("SIP/2.0 200 OK").replace(";tag=[pid]SIPp[call_number]", "")
    used = '<Reference variables="all,code"/>\n'
    taken = '<recv request="ACK"/>\n<recv request="BYE"/>\n'
    return f"{_HEAD}{_INVITE}{used}{_send('SIP/2.0 180 Ringing')}{answer}{taken}{bye}</scenario>\n"


@dataclass
class SippTrunk:
    """A running sipp. `messages`: its log of all messages."""

    port: int
    messages: Path
    process: "subprocess.Popen[bytes]"

    def invites(self) -> int:
        """How many INVITEs came."""
        return self.messages.read_text("utf-8", "replace").count("\nINVITE sip:") if self.messages.exists() else 0

    def read(self) -> str:
        """All messages."""
        return self.messages.read_text("utf-8", "replace")


@asynccontextmanager
async def sipp_trunk(folder: Path, scenario: str, transport: str = "u1", *more: str) -> AsyncIterator[SippTrunk]:
    """Run sipp with a scenario; it answers OPTIONS by itself."""
    port, file, messages = free_port(), folder / "scenario.xml", folder / "messages.log"
    file.write_text(scenario, "utf-8")
    command = [
        *("sipp", "-sf", str(file), "-i", "127.0.0.1", "-p", str(port), "-t", transport, "-aa", "-nostdin"),
        *("-mp", str(20_000 + port % 10_000 * 2), "-cp", str(free_port())),
        *("-trace_msg", "-message_file", str(messages), "-trace_err", "-error_file", str(folder / "errors.log"), *more),
    ]
    process = started(command, folder)
    try:
        await asyncio.sleep(0.5)
        assert process.poll() is None, screen_of(folder)
        yield SippTrunk(port, messages, process)
    finally:
        process.kill()
        process.wait()


def started(command: Sequence[str], folder: Path) -> "subprocess.Popen[bytes]":
    """Start a program whose output goes to screen.log in `folder`."""
    with (folder / "screen.log").open("wb") as screen:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=screen, stderr=screen, cwd=folder)


def screen_of(folder: Path) -> str:
    """Return what a started program has printed."""
    return (folder / "screen.log").read_text("utf-8", "replace")


def challenging(username: str, password: str) -> str:
    """A trunk that challenges each REGISTER and INVITE, takes the registration with the right password, and refuses the
    call with 486; with a wrong password it answers 403. (sipp verifies Authorization only, not Proxy-Authorization.)
    """
    challenge = 'Digest realm="trunk", nonce="0123456789", qop="auth", algorithm=MD5'
    parts = [_HEAD, '<recv request="INVITE" optional="true" next="call"/>\n<recv request="REGISTER"/>\n']
    for label, method, status, header in (
        ("", "REGISTER", "401 Unauthorized", "WWW-Authenticate"),
        ("call", "INVITE", "401 Unauthorized", "WWW-Authenticate"),
    ):
        good, bad = f"good{method}", f"bad{method}"
        right = "200 OK" if method == "REGISTER" else "486 Busy Here"
        acked = '<recv request="ACK" next="end"/>\n' if method == "INVITE" else '<nop next="end"/>\n'
        parts += [
            f'<label id="{label}"/>\n' if label else "",
            _send(f"SIP/2.0 {status}", f"{header}: {challenge}\nContent-Length: 0\n\n"),
            '<recv request="ACK"/>\n' if method == "INVITE" else "",
            f'<recv request="{method}"><action><verifyauth assign_to="{good}" username="{username}" '
            f'password="{password}"/></action></recv>\n<nop next="{good}" test="{good}"/>\n<label id="{bad}"/>\n',
            _send("SIP/2.0 403 Forbidden"),
            acked,
            f'<label id="{good}"/>\n',
            _send(f"SIP/2.0 {right}", "Expires: 60\nContent-Length: 0\n\n"),
            acked,
        ]
    return "".join(parts) + '<label id="end"/>\n</scenario>\n'
