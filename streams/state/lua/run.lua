-- Returns which Redis this is: the id of its process and of its replication history. Prepended to scripts that need it.
local function current_run()
  local info = redis.call('INFO', 'server', 'replication')
  return string.match(info, 'run_id:(%x+)') .. '/' .. string.match(info, 'master_replid:(%x+)')
end
