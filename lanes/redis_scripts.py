"""What happens to lanes in one piece, in Lua on the server.

A channel has four streams (one a priority) with one consumer group, a sorted set of what is for later, and a hash that
says of each chunk where its entry is: `<priority>/<entry id>`, or `l<priority>` while it waits in the sorted set. The
hash is what makes doubled announcements one; it is checked against the stream each time, so that a Redis that evicted
one key of them heals itself.
"""

from __future__ import annotations

from typing import Final

from adapters.contract import Priority
from lanes.redis_link import Link, Script

GROUP: Final = "workers"
LATER_AT_ONCE: Final = 200
"""Entries whose time has come that one call moves into the streams."""

_COMMON = """
local at, later = KEYS[1], KEYS[2]
local function put(chunk, priority)
  local id = redis.call('XADD', KEYS[3 + priority], '*', 'c', chunk)
  redis.call('HSET', at, chunk, priority .. '/' .. id)
end
local function forget(chunk, priority, id)
  if redis.call('HGET', at, chunk) == priority .. '/' .. id then redis.call('HDEL', at, chunk) end
end
"""

ANNOUNCE: Final = Script(
    _COMMON
    + """
local now = tonumber(ARGV[1])
for i = 2, #ARGV, 3 do
  local chunk, priority, due = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local known, waits = redis.call('HGET', at, chunk), false
  if known and string.sub(known, 1, 1) == 'l' then
    local score = redis.call('ZSCORE', later, chunk)
    if score then
      waits, due = true, math.min(due, tonumber(score))
      priority = tonumber(string.sub(known, 2))
      if due <= now then
        redis.call('ZREM', later, chunk)
        put(chunk, priority)
      else
        redis.call('ZADD', later, due, chunk)
      end
    end
  elseif known then
    local mark = string.find(known, '/', 1, true)
    local stream, id = KEYS[3 + tonumber(string.sub(known, 1, mark - 1))], string.sub(known, mark + 1)
    waits = #redis.call('XRANGE', stream, id, id) > 0
  end
  if not waits then
    if due <= now then
      put(chunk, priority)
    else
      redis.call('ZADD', later, due, chunk)
      redis.call('HSET', at, chunk, 'l' .. priority)
    end
  end
end
return redis.status_reply('OK')
"""
)
"""KEYS: hash, sorted set, four streams. ARGV: now, then chunk, priority, due of each (epoch seconds)."""

TAKE: Final = Script(
    _COMMON
    + """
local now, group, consumer, most = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
for _, chunk in ipairs(redis.call('ZRANGEBYSCORE', later, '-inf', now, 'LIMIT', 0, most)) do
  local known = redis.call('HGET', at, chunk)
  redis.call('ZREM', later, chunk)
  if known and string.sub(known, 1, 1) == 'l' then put(chunk, tonumber(string.sub(known, 2))) end
end
for i = 5, #ARGV do
  local priority = tonumber(ARGV[i])
  local stream = KEYS[3 + priority]
  local function read()
    return redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'STREAMS', stream, '>')
  end
  local found = read()
  if found and found.err and string.find(found.err, 'NOGROUP', 1, true) then
    redis.call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')
    found = read()
  end
  if found and found.err then return redis.error_reply(found.err) end
  if found and found[1] then
    local entry = found[1][2][1]
    local id, chunk = entry[1], entry[2] and entry[2][2]
    redis.call('XACK', stream, group, id)
    redis.call('XDEL', stream, id)
    if chunk then
      forget(chunk, priority, id)
      return {chunk, priority}
    end
  end
end
local soonest = redis.call('ZRANGE', later, 0, 0, 'WITHSCORES')
return {'', soonest[2] or ''}
"""
)
"""The most urgent waiting chunk, oldest first, out of the lane. ARGV: now, group, consumer, `LATER_AT_ONCE`, the wanted
priorities in order. Returns {chunk, priority}, or {"", when the next one is due, or ""}. Makes missing groups."""

TAKEN: Final = Script(
    _COMMON
    + """
local group = ARGV[1]
for i = 2, #ARGV, 3 do
  local priority, id, chunk = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  redis.call('XACK', KEYS[3 + tonumber(priority)], group, id)
  redis.call('XDEL', KEYS[3 + tonumber(priority)], id)
  forget(chunk, priority, id)
end
return redis.status_reply('OK')
"""
)
"""Entries that a blocking read brought are here. ARGV: group, then priority, id, chunk of each."""

REVIVE: Final = Script(
    _COMMON
    + """
local group, consumer, idle, gone = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local revived = 0
for priority = 0, #KEYS - 3 do
  local stream, cursor = KEYS[3 + priority], '0-0'
  repeat
    local found = redis.pcall('XAUTOCLAIM', stream, group, consumer, idle, cursor, 'COUNT', 100)
    if found.err then break end
    cursor = found[1]
    for _, entry in ipairs(found[2]) do
      local id, chunk = entry[1], entry[2] and entry[2][2]
      redis.call('XACK', stream, group, id)
      redis.call('XDEL', stream, id)
      if chunk then
        put(chunk, priority)
        revived = revived + 1
      end
    end
  until cursor == '0-0'
  local readers = redis.pcall('XINFO', 'CONSUMERS', stream, group)
  if not readers.err then
    for _, one in ipairs(readers) do
      if one[4] == 0 and one[6] > gone then redis.call('XGROUP', 'DELCONSUMER', stream, group, one[2]) end
    end
  end
end
return revived
"""
)
"""Entries that were given to a reader who never took them go into the lane anew, and consumers that hold nothing and
were long not seen are struck off; in one piece, since deleting a consumer throws away what it holds. XAUTOCLAIM looks
at a bounded number of entries a call, so its cursor is followed to the end. ARGV: group, consumer, idle and gone in
ms."""


def keys(link: Link, channel: str) -> list[str]:
    """The hash, the sorted set and the streams of a channel, by priority."""
    lane = f"{link.prefix}lane:{channel}"
    return [f"{lane}:at", f"{lane}:later", *(f"{lane}:{int(priority)}" for priority in Priority)]
