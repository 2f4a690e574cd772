-- Set the next time of residents who were re-evaluated, or remove them from the schedule, unless they were scheduled again
-- meanwhile.
-- KEYS[1]: the schedule; ARGV: for each resident their id, the scheduled time that was processed, and the next one ('' for
-- none).
for i = 1, #ARGV, 3 do
  local resident, done, next_time = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
  local time = redis.call('ZSCORE', KEYS[1], resident)
  if time and tonumber(time) == done then
    if next_time == '' then redis.call('ZREM', KEYS[1], resident) else redis.call('ZADD', KEYS[1], next_time, resident) end
  end
end
return 0
