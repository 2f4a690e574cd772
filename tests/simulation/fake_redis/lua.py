"""Lua as Redis runs it: one runtime (Lua 5.1, Redis' own) for the process, in which each script is compiled once.

`cjson` is not part of the interpreter's package, so what the scripts use of it is here.
"""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from lupa import lua51

from tests.simulation.fake_redis.values import Pairs, RefusedError, Status, written

# What a script calls, and how its reply goes out. A call answers with a value, or with nothing, a kind and its parts
# (LIST, STATUS, TABLE, PROBLEM). The runner gives a word for the kind of reply, then its parts: a flat list crosses the
# border between the two languages as it is, and need not be walked.
_PRELUDE = rb"""
local call, decode, null = ...
local function answer(value, kind, ...)
  if value ~= nil then return value end
  if kind == nil then return false end
  if kind == 0 then return {...} end
  if kind == 1 then return {ok = (...)} end
  if kind == 2 then return (...) end
  error({err = (...)}, 0)
end
local function caught(value, kind, ...)
  if value == nil and kind == 3 then return {err = (...)} end
  return answer(value, kind, ...)
end
local redis = {
  call = function(...) return answer(call(...)) end,
  pcall = function(...) return caught(call(...)) end,
  error_reply = function(text) return {err = text} end,
  status_reply = function(text) return {ok = text} end,
  log = function() end,
  LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
}

local format, byte, concat, gsub, type, pairs = string.format, string.byte, table.concat, string.gsub, type, pairs
local short = {['\b'] = '\\b', ['\t'] = '\\t', ['\n'] = '\\n', ['\f'] = '\\f', ['\r'] = '\\r', ['"'] = '\\"',
  ['\\'] = '\\\\', ['/'] = '\\/'}
local function escaped(char) return short[char] or format('\\u%04x', byte(char)) end
local function text(value) return '"' .. gsub(value, '[%c"\\/\127]', escaped) .. '"' end
local encode
local function length(value)
  local most, count = 0, 0
  for key in pairs(value) do
    if type(key) ~= 'number' or key < 1 or key % 1 ~= 0 then return nil end
    if key > most then most = key end
    count = count + 1
  end
  if most > 10 and most > count * 2 then error('user_script:1: Cannot serialise table: excessively sparse array', 0) end
  return count > 0 and most or nil
end
local function list(value, most)
  local parts = {}
  for i = 1, most do parts[i] = encode(value[i]) end
  return '[' .. concat(parts, ',') .. ']'
end
local function object(value)
  local parts = {}
  for key, each in pairs(value) do
    local name = type(key) == 'number' and format('"%.14g"', key) or text(key)
    parts[#parts + 1] = name .. ':' .. encode(each)
  end
  return '{' .. concat(parts, ',') .. '}'
end
function encode(value)
  local kind = type(value)
  if kind == 'string' then return text(value) end
  if kind == 'number' then return format('%.14g', value) end
  if kind == 'boolean' then return tostring(value) end
  if value == nil or value == null then return 'null' end
  if kind ~= 'table' then error('Cannot serialise ' .. kind .. ': type not supported') end
  local most = length(value)
  return most and list(value, most) or object(value)
end
local cjson = {encode = encode, decode = function(value)
  local found, problem = decode(tostring(value))
  if problem then error(problem, 2) end
  if found == nil then return null end
  return found
end, null = null}

local getinfo, unpack, select, xpcall = debug.getinfo, unpack, select, xpcall
local function handler(problem)
  if type(problem) ~= 'table' then problem = {err = 'ERR ' .. tostring(problem)} end
  for level = 2, 8 do
    local info = getinfo(level, 'Sl')
    if not info then break end
    if info.source == '@user_script' then
      problem.line = info.currentline
      break
    end
  end
  return problem
end

local function sent(value)
  if type(value) ~= 'table' then return 'value', value end
  if value.err then return 'error', value.err end
  if value.ok then return 'status', value.ok end
  local count = #value
  if count > 100 then return 'table', value end
  for i = 1, count do
    if type(value[i]) == 'table' or value[i] == nil then return 'table', value end
  end
  return 'list', unpack(value)
end

local function run(body, keys, arguments)
  local done, value = xpcall(function() return body(keys, arguments) end, handler)
  if done then return sent(value) end
  return 'problem', value.err, value.line
end

-- All that a script sees. The interpreter's package needs the true globals itself.
local seen = {redis = redis, cjson = cjson}
for name in string.gmatch('assert error getmetatable ipairs loadstring math next pairs pcall rawequal rawget rawset ' ..
    'select setmetatable string table tonumber tostring type unpack xpcall', '%l+') do
  seen[name] = _G[name]
end
setmetatable(seen, {
  __index = function(_, name) error("Script attempted to access nonexistent global variable '" .. name .. "'", 2) end,
  __newindex = function() error('Attempt to modify a readonly table', 2) end,
})

return function(body, count, ...)
  local keys = {unpack({...}, 1, count)}
  return run(body, keys, {select(count + 1, ...)})
end, run, function(body) return setfenv(body, seen) end
"""
_FEW = 150  # arguments that Lua takes on its stack; more go in tables

LIST, STATUS, TABLE, PROBLEM = range(4)

Caller = Callable[[Sequence[bytes]], Any]


class Script:
    """A script as it was compiled, and its name."""

    def __init__(self, text: bytes) -> None:
        self.sha = hashlib.sha1(text, usedforsecurity=False).hexdigest()
        self.text = text
        try:
            self.body = lua().compiled(text)
        except lua51.LuaSyntaxError as error:
            why = error.args[0].decode("utf-8", "replace")
            raise RefusedError(f"ERR Error compiling script (new function): {why}") from None


class Lua:
    """The runtime. `caller` is the server whose script runs just now."""

    def __init__(self) -> None:
        self._runtime = lua51.LuaRuntime(
            encoding=None, unpack_returned_tuples=True, register_eval=False, register_builtins=False
        )
        self._table = self._runtime.table_from
        self._caller: Caller | None = None
        null = object()
        self._null = null
        made = self._runtime.compile(_PRELUDE)(self._call, self._decode, null)
        self._run_few, self._run_many, self._enclosed = made

    def compiled(self, text: bytes) -> Any:  # noqa: ANN401 - a Lua function
        code = b"return function(KEYS, ARGV) " + text + b"\nend"
        return self._enclosed(self._runtime.compile(code, name=b"@user_script")())

    def run(self, script: Script, keys: Sequence[bytes], arguments: Sequence[bytes], caller: Caller) -> Any:  # noqa: ANN401
        """The script's reply. Raises RefusedError with the text that Redis sends."""
        before, self._caller = self._caller, caller
        try:
            if len(keys) + len(arguments) <= _FEW:
                found = self._run_few(script.body, len(keys), *keys, *arguments)
            else:
                found = self._run_many(script.body, self._table(keys), self._table(arguments))
        finally:
            self._caller = before
        kind, *parts = found if type(found) is tuple else (found,)
        return self._reply(script, kind, parts)

    def _reply(self, script: Script, kind: bytes, parts: list[Any]) -> Any:  # noqa: ANN401 - as above
        if kind == b"list":
            return [_one(part) for part in parts]
        if kind == b"value":
            return _one(parts[0]) if parts else None
        if kind == b"table":
            return _walked(parts[0])
        if kind == b"status":
            return Status(parts[0])
        if kind == b"error":
            raise RefusedError(_coded(parts[0]))
        where = f", on @user_script:{int(parts[1])}" if parts[1:] and parts[1] is not None else ""
        raise RefusedError(f"{_coded(parts[0])} script: {script.sha}{where}.")

    def _call(self, *arguments: Any) -> Any:  # noqa: ANN401 - as Lua has them
        try:
            reply = self._caller([part if type(part) is bytes else _argument(part) for part in arguments])  # type: ignore[misc]
        except RefusedError as error:
            return None, PROBLEM, str(error).encode()
        kind = type(reply)
        if kind is bytes or kind is int or reply is None:
            return reply
        if kind is Status:
            return None, STATUS, bytes(reply)
        return self._given(reply)

    def _given(self, reply: Any) -> Any:  # noqa: ANN401 - as above
        """A reply as RESP2 has it, which is the scripts'."""
        if type(reply) is float:
            return written(reply)
        parts = flat(reply)
        if any(type(part) is list for part in parts):  # a scan's
            parts = [self._table(part) if type(part) is list else part for part in parts]
        return (None, LIST, *parts) if len(parts) <= _FEW else (None, TABLE, self._table(parts))

    def _decode(self, text: bytes) -> Any:  # noqa: ANN401 - any JSON
        try:
            return self._lua(json.loads(text.decode("utf-8", "surrogateescape")))
        except ValueError as error:
            return None, str(error).encode()

    def _lua(self, value: Any) -> Any:  # noqa: ANN401 - as above
        if isinstance(value, str):
            return value.encode("utf-8", "surrogateescape")
        if isinstance(value, dict):
            return self._table({self._lua(name): self._inner(each) for name, each in value.items()})
        if isinstance(value, list):
            return self._table([self._inner(each) for each in value])
        return value

    def _inner(self, value: Any) -> Any:  # noqa: ANN401 - as above
        return self._null if value is None else self._lua(value)


def flat(reply: Any) -> list[Any]:  # noqa: ANN401 - a map, a set or a list, perhaps of pairs
    """A reply of RESP3 as the list of RESP2."""
    if type(reply) is dict:
        return [part for pair in reply.items() for part in pair]
    if type(reply) is Pairs:
        reply = [part for pair in reply for part in pair]
    return [False if part is None else written(part) if type(part) is float else part for part in reply]


def _argument(part: Any) -> bytes:  # noqa: ANN401 - whatever a script gave
    if isinstance(part, bool) or not isinstance(part, int | float):
        raise RefusedError("ERR Lua redis lib command arguments must be strings or integers")
    return b"%.17g" % part


def _coded(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _one(part: Any) -> Any:  # noqa: ANN401 - what Lua has: a string, a number, a boolean, nothing
    if type(part) is bytes or type(part) is int:
        return part
    if part is None or part is False:
        return None
    if part is True:
        return 1
    return int(part) if math.isfinite(part) else -(2**63)


def _walked(table: Any) -> list[Any]:  # noqa: ANN401 - a Lua table
    """The list up to its first gap, as Redis reads it."""
    found: list[Any] = []
    at = 1
    while (part := table[at]) is not None:
        found.append(_nested(part) if lua51.lua_type(part) == "table" else _one(part))
        at += 1
    return found


def _nested(table: Any) -> Any:  # noqa: ANN401 - as above
    if (status := table[b"ok"]) is not None:
        return Status(status)
    return _walked(table)


@cache
def lua() -> Lua:
    """The process's runtime."""
    return Lua()
