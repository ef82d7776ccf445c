-- Finds a document by its hash, or stores it. A document that is found or stored again is kept twice as long as others,
-- and in place of them: many documents that nobody uses do not displace those that are used.
--
-- KEYS[1]  the documents by their hash, and the bytes of all of them
-- KEYS[2]  the time at which each of them expires. The first one makes room for others
-- KEYS[3]  the bytes that the client's network address has stored
-- ARGV[1]  'find' or 'store'
-- ARGV[2]  the hash
-- ARGV[3]  the document, if it is to be stored
-- ARGV[4]  the seconds after which a document expires
-- ARGV[5]  the bytes that each document counts besides its text
-- ARGV[6]  the bytes of all documents
-- ARGV[7]  the bytes of one network address
-- ARGV[8]  the seconds for which they count
--
-- Returns the document, if it is stored.
local texts, expiries, used = KEYS[1], KEYS[2], KEYS[3]
local hash, text, retention = ARGV[2], ARGV[3], tonumber(ARGV[4])
local overhead, limit, share, share_period = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

local function forget(hashes)
  for _, each in ipairs(hashes) do
    redis.call('HINCRBY', texts, 'bytes', -redis.call('HSTRLEN', texts, each) - overhead)
    redis.call('HDEL', texts, each)
    redis.call('ZREM', expiries, each)
  end
end

-- The server may have evicted one of the two.
if redis.call('HLEN', texts) ~= redis.call('ZCARD', expiries) + 1 then
  redis.call('DEL', texts, expiries)
end
forget(redis.call('ZRANGEBYSCORE', expiries, '-inf', now))

local is_known = redis.call('HSTRLEN', texts, hash) > 0
if ARGV[1] == 'store' then
  local size = #text + overhead
  if is_known then
    -- It may be another text.
    forget({ hash })
  else
    local total = tonumber(redis.call('GET', used) or 0) + size
    if total > share then
      return false
    end
    redis.call('INCRBY', used, size)
    if total == size then
      redis.call('EXPIRE', used, share_period)
    end
  end
  redis.call('HSET', texts, hash, text)
  redis.call('HINCRBY', texts, 'bytes', size)
elseif not is_known then
  return false
end

redis.call('ZADD', expiries, now + (is_known and 2 or 1) * retention, hash)
redis.call('EXPIRE', texts, 2 * retention)
redis.call('EXPIRE', expiries, 2 * retention)
while tonumber(redis.call('HGET', texts, 'bytes')) > limit and redis.call('ZCARD', expiries) > 0 do
  forget(redis.call('ZRANGE', expiries, 0, 0))
end
return redis.call('HGET', texts, hash)
