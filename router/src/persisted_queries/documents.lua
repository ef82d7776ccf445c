-- Stores a document under its hash, or finds one. A document is forgotten when nobody has asked for it long enough, or
-- before others if the documents need too many bytes.
--
-- KEYS[1]  the documents by their hash, and their bytes
-- KEYS[2]  the times at which they were last asked for
-- ARGV[1]  'store' or 'find'
-- ARGV[2]  the hash
-- ARGV[3]  the seconds after which a document is forgotten
-- ARGV[4]  the document, if it is to be stored
-- ARGV[5]  the bytes that each of them counts besides its text
-- ARGV[6]  the bytes of all of them
--
-- Returns the document, if there is one.
local texts, times, hash, seconds = KEYS[1], KEYS[2], ARGV[2], tonumber(ARGV[3])
local now = tonumber(redis.call('TIME')[1])
local overhead, limit = tonumber(ARGV[5]), tonumber(ARGV[6])

local function forget(hashes)
  for _, old in ipairs(hashes) do
    redis.call('HINCRBY', texts, 'bytes', -redis.call('HSTRLEN', texts, old) - overhead)
    redis.call('HDEL', texts, old)
    redis.call('ZREM', times, old)
  end
end

if ARGV[1] == 'store' then
  -- The server may have evicted one of the two.
  if redis.call('HLEN', texts) ~= redis.call('ZCARD', times) + 1 then
    redis.call('DEL', texts, times)
  end
  if redis.call('HSET', texts, hash, ARGV[4]) == 1 then
    redis.call('HINCRBY', texts, 'bytes', #ARGV[4] + overhead)
  end
  redis.call('ZADD', times, now, hash)
  forget(redis.call('ZRANGEBYSCORE', times, '-inf', now - seconds))
  while tonumber(redis.call('HGET', texts, 'bytes')) > limit and redis.call('ZCARD', times) > 0 do
    forget(redis.call('ZRANGE', times, 0, 0))
  end
end

local text = redis.call('HGET', texts, hash)
if text then
  redis.call('ZADD', times, 'XX', now, hash)
  redis.call('EXPIRE', texts, seconds)
  redis.call('EXPIRE', times, seconds)
end
return text
