-- What wrk sends, and how it tells what it found: wrk -s load.lua URL -- requests.tsv
-- A line of requests.tsv: path, Content-Type, Accept and the file that holds the body; all are sent in turn.
local requests, place = {}, 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    local path, content_type, accept, file = line:match("([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)")
    local opened = assert(io.open(file, "rb"))
    local body = opened:read("*a")
    opened:close()
    local headers = {["Content-Type"] = content_type, ["Accept"] = accept}
    requests[#requests + 1] = wrk.format("POST", path, headers, body)
  end
end

function request()
  place = place % #requests + 1
  return requests[place]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.stderr:write(string.format(
    '{"requests":%d,"seconds":%f,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,"p50_ms":%f,"p99_ms":%f,"max_ms":%f}\n',
    summary.requests, summary.duration / 1e6, errors.connect, errors.read, errors.write, errors.status, errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
