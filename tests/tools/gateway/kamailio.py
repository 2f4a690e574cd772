"""Kamailio as a carrier's proxy that tells Quanzu of its calls, and sipp as both telephones."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from streams.runtime.embedded import free_port
from tests.tools.gateway.sipp import answering, screen_of, sipp_trunk, started

ROOT = Path(__file__).resolve().parents[3]
CONFIG = """#!KAMAILIO
#!substdef "!QUANZU_URL!{url}!"
#!substdef "!QUANZU_TOKEN!{token}!"
#!substdef "!QUANZU_SOURCE!bank!"
#!define QUANZU_HOME_RE "^([+]|00)86"
debug=2
children=2
disable_tcp=yes
listen=udp:127.0.0.1:{port}
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
include_file "{file}"
event_route[core:worker-one-init] {{
  xlog("L_ERR", "ready for calls\n");
}}
request_route {{
  if (has_totag()) {{ loose_route(); t_relay(); exit; }}
  record_route();
  if (is_method("INVITE")) route(QUANZU_CALL);
  $du = "sip:127.0.0.1:{called}";
  t_relay();
}}
"""
CALLING = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="caller">
<send retrans="500"><![CDATA[
INVITE sip:{called}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:{caller}@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:{called}@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:{caller}@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=caller 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000
]]></send>
<recv response="100" optional="true"/>
<recv response="180" optional="true"/>
<recv response="200" rrs="true"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:{caller}@[local_ip]:[local_port]>;tag=[call_number]
[last_To:]
[routes]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<pause milliseconds="{milliseconds}"/>
<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:{caller}@[local_ip]:[local_port]>;tag=[call_number]
[last_To:]
[routes]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv response="200"/>
</scenario>
"""


@asynccontextmanager
async def kamailio(folder: Path, url: str, token: str) -> AsyncIterator[int]:
    """Run Kamailio with our file of deploy/gateways, before a telephone that answers. Yields its port."""
    port, trunk = free_port(), folder / "trunk"
    trunk.mkdir()
    routed = answering().replace("[last_Via:]", "[last_Via:]\n[last_Record-Route:]")
    async with sipp_trunk(trunk, routed) as called:
        file = ROOT / "deploy/gateways/quanzu-kamailio.cfg"
        config = folder / "kamailio.cfg"
        config.write_text(CONFIG.format(url=url, token=token, port=port, file=file, called=called.port), "utf-8")
        command = ["kamailio", "-DD", "-E", "-f", str(config), "-Y", str(folder), "-m", "64", "-M", "8"]
        process = started(command, folder)
        try:
            while "ready for calls" not in screen_of(folder):
                assert process.poll() is None, screen_of(folder)
                await asyncio.sleep(0.05)
            yield port
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait)


async def call(folder: Path, port: int, caller: str, called: str, seconds: float) -> None:
    """Call through the proxy at `port`, talk for so long, and hang up. Raises AssertionError if the call fails."""
    file = _scenario(folder, CALLING.format(caller=caller, called=called, milliseconds=int(seconds * 1000)))
    local = ("-i", "127.0.0.1", "-p", str(free_port()), "-mp", str(free_port()), "-cp", str(free_port()))
    command = ["sipp", "-sf", str(file), *local, "-m", "1", "-nostdin", f"127.0.0.1:{port}"]
    process: subprocess.Popen[bytes] = started(command, folder)
    try:
        assert await asyncio.to_thread(process.wait, 60) == 0, screen_of(folder)
    finally:
        process.kill()


def _scenario(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "caller.xml").write_text(text, "utf-8")
    return folder / "caller.xml"
