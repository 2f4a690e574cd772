"""The server of the simulated Asterisk: commands over HTTP, events over a WebSocket."""

import asyncio
import contextlib
import io
import wave
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import WSCloseCode, web

from streams.runtime.embedded import free_port
from tests.tools.gateway.asterisk.faults import Faults, Handler
from tests.tools.gateway.asterisk.line import NORMAL, Callee, Line, destroyed
from tests.tools.gateway.asterisk.snapshots import PeerChannel, PeerPlayback, event

USER, PASSWORD = "quanzu-gateway", "p4ss-word-of-the-peer"
LONGEST_ID = 149
GIVEN = web.RequestKey("given", dict[str, Any])
REASONS = {
    "normal", "busy", "congestion", "no_answer", "timeout", "rejected", "unallocated", "normal_unspecified",
    "number_incomplete", "codec_mismatch", "interworking", "failure", "answered_elsewhere",
}  # fmt: skip


@dataclass
class AsteriskPeer:
    """Asterisk, as far as ARI shows it. `callees`: what telephones do, by the last three digits of the dialled number;
    `trunks`: the endpoints that it has; `speed`: how much faster than real time sounds are played. `dialled`: the
    device strings of the calls that were placed; `asked`: (method, path with query, body) of each request; `sent`: the
    events; `fetched`: the addresses of sounds, each time one is downloaded.
    """

    port: int = field(default_factory=free_port)
    callees: dict[str, Callee] = field(default_factory=dict)
    trunks: frozenset[str] = frozenset({"carrier"})
    speed: float = 20.0
    faults: Faults = field(default_factory=Faults)
    dialled: list[str] = field(default_factory=list)
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    lines: dict[str, Line] = field(default_factory=dict)
    playbacks: dict[str, PeerPlayback] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sockets: dict[str, web.WebSocketResponse] = {}
        self._apps: set[str] = set()
        self._sounds: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._playing: dict[str, asyncio.Task[None]] = {}
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The address of the interface."""
        return f"http://127.0.0.1:{self.port}/ari"

    async def start(self) -> None:
        """Begin to serve, without any channel."""
        app = web.Application(middlewares=[self._checked, self.faults.middleware])
        app.add_routes(
            [
                web.get("/ari/events", self._events),
                web.get("/ari/applications/{app}", self._application),
                web.post("/ari/channels/{id}", self._originate),
                web.get("/ari/channels/{id}", self._channel),
                web.delete("/ari/channels/{id}", self._hang_up),
                web.post("/ari/channels/{id}/variable", self._variable),
                web.post("/ari/channels/{id}/play/{playback}", self._play),
                web.delete("/ari/playbacks/{playback}", self._stop),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def kill(self) -> None:
        """Die: every call and connection is gone, and nobody is told."""
        tasks = [*self._tasks, *self._playing.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.lines.clear()
        self.playbacks.clear()
        self._apps.clear()
        await self.cut()
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    async def cut(self) -> None:
        """Cut the connections for events. Calls go on."""
        sockets, self._sockets = self._sockets, {}
        for socket in sockets.values():
            with contextlib.suppress(ConnectionError):
                await socket.close(code=WSCloseCode.GOING_AWAY)

    @property
    def is_connected(self) -> bool:
        """Whether an application has a WebSocket."""
        return bool(self._sockets)

    async def send(self, apps: set[str], kind: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Send an event to applications. An application without a WebSocket misses it."""
        if kind in self.faults.lost:
            return
        for app in apps & set(self._sockets):
            told = event(kind, app, **fields)
            for _ in range(2 if self.faults.twice else 1):
                self.sent.append(told)
                with contextlib.suppress(ConnectionError):
                    await self._sockets[app].send_str(orjson.dumps(told).decode())

    @web.middleware
    async def _checked(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse a request without the user's password, or whose body is no JSON."""
        self.asked.append((request.method, request.path_qs, await request.read()))
        wanted = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("Authorization") != wanted:
            return _refused(401, "Authentication required")
        try:
            request[GIVEN] = await _given(request)
        except ValueError:
            return _refused(400, "Error parsing request body")
        return await handler(request)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        app = request.query.get("app", "")
        if not app:
            return _refused(400, "HTTP request is missing param: [app]")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        former = self._sockets.pop(app, None)
        if former is not None:
            await former.send_str(orjson.dumps(event("ApplicationReplaced", app)).decode())
        self._sockets[app] = socket
        self._apps.add(app)
        async for _ in socket:
            pass  # events go one way
        if self._sockets.get(app) is socket:
            del self._sockets[app]
        return socket

    async def _application(self, request: web.Request) -> web.Response:
        app = request.match_info["app"]
        if app not in self._apps:
            return _refused(404, "Application not found")
        channels = [line.channel.id for line in self.lines.values() if app in line.channel.apps]
        lists = ("bridge_ids", "endpoint_ids", "device_names", "events_allowed", "events_disallowed")
        return web.json_response({"name": app, "channel_ids": channels, **{name: [] for name in lists}})

    async def _originate(self, request: web.Request) -> web.Response:
        given, id_ = request[GIVEN], request.match_info["id"]
        technology, _, device = _text(given, "endpoint").partition("/")
        if len(id_) > LONGEST_ID:
            return _refused(400, f"Uniqueid length exceeds maximum of {LONGEST_ID}")
        if not _text(given, "endpoint"):
            return _refused(400, "Endpoint must be specified")
        if not technology or not device:
            return _refused(400, "Invalid endpoint specified")
        if not (app := _text(given, "app")):
            return _refused(400, "Application or extension must be specified")
        if id_ in self.lines:
            return _refused(409, "Channel with given unique ID already exists")
        if technology != "PJSIP" or device.rpartition("@")[2] not in self.trunks:
            return web.json_response({"error": "Allocation failed"}, status=500)
        seconds = given["timeout"] if isinstance(given.get("timeout"), int) and given["timeout"] > 0 else 30
        self.dialled.append(device)
        channel = PeerChannel(id_, technology, device, len(self.dialled), _text(given, "callerId"), {app})
        channel.functions = {name: str(value) for name, value in given.get("variables", {}).items()}
        callee = self.callees.get(device.partition("@")[0][-3:], Callee())
        line = Line(channel, callee, lambda name: name in self._sockets, self._sender(channel))
        self.lines[id_] = line
        shape = channel.shape()
        self._start(self._carry_out(line, app, seconds))
        return web.json_response(shape)

    def _sender(self, channel: PeerChannel) -> Any:  # noqa: ANN401 - a function with any fields
        async def send(kind: str, **fields: Any) -> None:  # noqa: ANN401
            await self.send(channel.apps, kind, **fields)

        return send

    async def _carry_out(self, line: Line, app: str, seconds: float) -> None:
        channel = line.channel
        limit = channel.functions.get("TIMEOUT(absolute)")
        cause, status = NORMAL, None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(float(limit) if limit else None):
                cause, status = await line.dial(app, seconds)
        await line.free.wait()
        for task in [task for id_, task in self._playing.items() if self.playbacks[id_].channel == channel.id]:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if channel.stasis:
            channel.stasis = ""
            await self.send(channel.apps, "StasisEnd", channel=channel.shape())
        del self.lines[channel.id]
        await self.send(channel.apps, "ChannelDestroyed", **destroyed(cause, status), channel=channel.shape())

    async def _channel(self, request: web.Request) -> web.Response:
        line = self.lines.get(request.match_info["id"])
        return _refused(404, "Channel not found") if line is None else web.json_response(line.channel.shape())

    async def _hang_up(self, request: web.Request) -> web.Response:
        line, given = self.lines.get(request.match_info["id"]), request[GIVEN]
        if line is None:
            return _refused(404, "Channel not found")
        if given.get("reason") and given.get("reason_code"):
            return _refused(400, "The reason and reason_code can't both be specified")
        if given.get("reason", "normal") not in REASONS:
            return _refused(400, "Invalid reason for hangup reason provided")
        line.gone.set()
        return web.Response(status=204)

    async def _variable(self, request: web.Request) -> web.Response:
        line, given = self.lines.get(request.match_info["id"]), request[GIVEN]
        if not _text(given, "variable"):
            return _refused(400, "Variable name is required")
        if line is None:
            return _refused(404, "Channel not found")
        if not line.channel.stasis:
            return _refused(409, "Channel not in Stasis application")
        line.channel.functions[given["variable"]] = _text(given, "value")
        return web.Response(status=204)

    async def _play(self, request: web.Request) -> web.Response:
        line, given = self.lines.get(request.match_info["id"]), request[GIVEN]
        if line is None:
            return _refused(404, "Channel not found")
        if not line.channel.stasis:
            return _refused(409, "Channel not in Stasis application")
        if line.channel.state in ("Down", "Rsrved", "Ringing"):
            return _refused(412, "Channel in invalid state")
        media = given.get("media")
        media = [media] if isinstance(media, str) else media
        if not isinstance(media, list) or not media or not all(isinstance(each, str) for each in media):
            return _refused(500, "Failed to queue media for playback")
        playback = PeerPlayback(request.match_info["playback"], line.channel.id, media)
        self.playbacks[playback.id] = playback
        self._playing[playback.id] = asyncio.create_task(self._play_out(playback, line))
        return web.json_response(playback.shape(), status=201)

    async def _play_out(self, playback: PeerPlayback, line: Line) -> None:
        channel = line.channel
        ending = "failed"  # also if the called side hangs up meanwhile
        try:
            playback.state = "playing"
            await self.send(channel.apps, "PlaybackStarted", playback=playback.shape())
            for media in playback.media:
                await asyncio.sleep(await self._had(media.removeprefix("sound:"), line) / self.speed)
            ending = "done"
        except (OSError, EOFError, wave.Error, aiohttp.ClientError, ValueError):
            pass
        finally:
            playback.state = ending
            del self.playbacks[playback.id], self._playing[playback.id]
            await self.send(channel.apps, "PlaybackFinished", playback=playback.shape())

    async def _had(self, url: str, line: Line) -> float:
        """Return the length of a sound. The channel's thread downloads it, and does nothing else meanwhile."""
        line.free.clear()
        try:
            return await self._seconds(url)
        finally:
            line.free.set()

    async def _seconds(self, url: str) -> float:
        """Return the length of a sound: downloaded once, then kept. Raises an error if there is none to play."""
        if url not in self._sounds:
            if self.faults.unreachable:
                await asyncio.sleep(self.faults.unreachable)
                raise OSError("no connection to the sounds")
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                answer.raise_for_status()
                self.fetched.append(url)
                with wave.open(io.BytesIO(await answer.read())) as file:
                    if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, 8000):
                        raise ValueError("Asterisk has no format for this file")
                    self._sounds[url] = file.getnframes() / 8000
        return self._sounds[url]

    async def _stop(self, request: web.Request) -> web.Response:
        task = self._playing.get(request.match_info["playback"])
        if task is None:
            return _refused(404, "Playback not found")
        line = self.lines.get(self.playbacks[request.match_info["playback"]].channel)
        self._start(self._stop_later(task, line))
        return web.Response(status=204)

    async def _stop_later(self, task: "asyncio.Task[None]", line: Line | None) -> None:
        if line is not None:
            await line.free.wait()
        task.cancel()

    def _start(self, work: Any) -> None:  # noqa: ANN401 - a coroutine
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def asterisk_peer(**settings: Any) -> AsyncIterator[AsteriskPeer]:  # noqa: ANN401 - as AsteriskPeer has them
    """Run a simulated Asterisk during the block."""
    peer = AsteriskPeer(**settings)
    await peer.start()
    try:
        yield peer
    finally:
        await peer.kill()


async def _given(request: web.Request) -> dict[str, Any]:
    """Return the parameters: of the query, and over them those of the body. Raises ValueError if the body is none."""
    given: dict[str, Any] = dict(request.query)
    if request.method == "POST" and (data := await request.read()):
        if request.content_type != "application/json":
            return given  # Asterisk does not read it
        body = orjson.loads(data)
        if isinstance(body, dict):
            given.update(body)
    return given


def _text(given: dict[str, Any], name: str) -> str:
    """Return a text, "" if there is none or it is no text: Asterisk takes a number for nothing."""
    found = given.get(name)
    return found if isinstance(found, str) else ""


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)
