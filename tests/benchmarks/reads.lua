-- What `clients` has wrk read: a path with a number in it that is drawn anew for each request.
local shape, most

function init(arguments)
  math.randomseed(1)
  shape, most = arguments[1], tonumber(arguments[2])
end

function request()
  return wrk.format("GET", string.format(shape, math.random(most)))
end
