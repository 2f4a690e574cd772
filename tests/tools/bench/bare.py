"""An intake that does nothing but what no intake can leave out: read the body, validate each signal, answer.

python -m tests.tools.bench.bare starlette 8000        (or fastapi: its own way, a body that is a model)

No key is asked for, numbers are not spelt one way, nothing is written: what Quanzu's intake costs above it is that.
"""

import sys
from typing import Annotated, Any

import orjson
import uvicorn
from fastapi import Body, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from schemas.risk.signals import Signal, batch_adapter, signal_adapter

NDJSON = "application/x-ndjson"

fastapi = FastAPI()


@fastapi.post("/signals", status_code=202)
async def one(signal: Annotated[Signal, Body()]) -> dict[str, Any]:
    """A single signal, as FastAPI's users write it."""
    return {"accepted": 1, "ids": [signal.id]}


@fastapi.post("/lines", status_code=202)
async def lines(request: Request) -> dict[str, Any]:
    """NDJSON, which is no body that FastAPI knows."""
    return _taken(await request.body())


async def post(request: Request) -> JSONResponse:
    """Both, in Starlette."""
    body = await request.body()
    if request.headers["content-type"] == NDJSON:
        return JSONResponse(_taken(body), 202)
    signal = signal_adapter.validate_json(body)
    return JSONResponse({"accepted": 1, "ids": [signal.id]}, 202)


def _taken(body: bytes) -> dict[str, Any]:
    signals = batch_adapter.validate_python([orjson.loads(line) for line in body.splitlines()])
    return {"accepted": len(signals), "ids": [signal.id for signal in signals]}


starlette = Starlette(routes=[Route(path, post, methods=["POST"]) for path in ("/signals", "/lines")])

if __name__ == "__main__":
    app = {"fastapi": fastapi, "starlette": starlette}[sys.argv[1]]
    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", access_log=False)
