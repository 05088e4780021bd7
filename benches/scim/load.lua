-- What wrk sends: the requests of a file one after the other, and again from the first; each line is METHOD, PATH and
-- BODY with tabs between. Nine N in a row stand for a number that is one more with each request.
--
-- usage: wrk -t1 … -s load.lua URL -- FILE FIRST_NUMBER [HOW_MANY]
local NUMBER = "NNNNNNNNN"
local requests, number, last = {}, 0, nil

function init(args)
  number = tonumber(args[2])
  if args[3] then last = number + tonumber(args[3]) end
  wrk.headers["Content-Type"] = "application/scim+json"
  for line in io.lines(args[1]) do
    local method, path, body = line:match("^(%S+)\t(%S+)\t?(.*)$")
    if body == "" then body = nil end
    local text = wrk.format(method, path, nil, body)
    requests[#requests + 1] = { text, text:find(NUMBER, 1, true) ~= nil }
  end
end

local place = 0

function request()
  place = place % #requests + 1
  local found = requests[place]
  number = number + 1
  if last and number > last then wrk.thread:stop() end
  if not found[2] then return found[1] end
  return (found[1]:gsub(NUMBER, ("%09d"):format(number)))
end

function done(summary, latency)
  local wrong = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(("RESULT %d %d %d %d %d %d\n"):format(summary.requests, summary.duration, summary.errors.status, wrong,
    latency:percentile(50), latency:percentile(99)))
end
