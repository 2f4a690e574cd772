-- Which Redis this is: its process, and the history it goes on with. Put before the scripts that ask.
local function current_run()
  local info = redis.call('INFO', 'server', 'replication')
  return string.match(info, 'run_id:(%x+)') .. '/' .. string.match(info, 'master_replid:(%x+)')
end
