-- Remove residents from the re-evaluation schedule, unless they were scheduled again meanwhile.
-- KEYS[1]: the schedule; ARGV: pairs of resident and the scheduled time that was processed.
for i = 1, #ARGV, 2 do
  local time = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if time and tonumber(time) == tonumber(ARGV[i + 1]) then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return 0
