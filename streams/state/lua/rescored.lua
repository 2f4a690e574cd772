-- Take residents off the list of those to be scored again, unless they were put there anew meanwhile.
-- KEYS[1]: the list; ARGV: resident and the time that was acted on, and so on.
for i = 1, #ARGV, 2 do
  local time = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if time and tonumber(time) == tonumber(ARGV[i + 1]) then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return 0
