"""The clients of the load test, on Locust; `loadtest.locustfile` puts them together.

Importing Locust replaces the standard library's threads and sockets by cooperative ones, so nothing outside
of the locustfile imports those modules here that import it; `plan`, `clock`, `shapes`, `consistency` and
`recording` do not.
"""
