-- Charges an account, or settles a charge. All amounts and times are in microseconds.
--
-- KEYS[1]  the account
-- ARGV[1]  the whole budget
-- ARGV[2]  the time in which an empty account refills
-- ARGV[3]  what is given back
-- ARGV[4]  what is taken
-- ARGV[5]  'charge': only if there is enough; 'settle': down to nothing
--
-- Returns 1 if there was enough, else 0; and what is left.
local budget, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local returned, taken, is_charge = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == 'charge'
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

-- An account that is not stored is full.
local left, at = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
left, at = tonumber(left) or budget, tonumber(at) or now

-- budget * gone / window in two parts: a double has no more than 53 bits for an integer.
local gone = math.max(0, math.min(now - at, window))
left = left + math.floor(budget / window) * gone + math.floor((budget % window) * gone / window)
left = math.min(left, budget)

local has_enough = left + returned >= taken
if has_enough then
  left = math.min(left + returned - taken, budget)
elseif not is_charge then
  left = 0
end

if left < budget then
  local full_in = math.ceil((budget - left) * window / budget / 1000)
  redis.call('SET', KEYS[1], string.format('%.0f %.0f', left, now), 'PX', string.format('%.0f', full_in))
else
  redis.call('DEL', KEYS[1])
end
return { has_enough and 1 or 0, left }
