-- What `clients` has wrk send: orders of two of a thousand products, by ten thousand customers.
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init()
  math.randomseed(number)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  local product = math.random(1000)
  return wrk.format(nil, nil, nil, string.format(
    '{"customerId": %d, "items": [{"productId": %d, "quantity": 1}, {"productId": %d, "quantity": 2}],'
      .. ' "shippingAddress": "12 Elm Street"}',
    math.random(10000), product, product % 1000 + 1))
end
