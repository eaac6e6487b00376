"""docs/ground-truth.md: its numbers are what its formulas give, and the tests that it names exist."""

import ast
import math
from collections.abc import Callable

import pytest
from pages import ROOT, code, only, page

PAGE = page("docs/ground-truth.md")
ARRIVALS_PER_S, SERVICES_PER_S, RELAYED_PER_S = 70.0, 100.0, 150.0
MEAN_DELAY_S, POLL_S, LINK_S = 0.01, 0.1, 0.005


def quantile(cdf: Callable[[float], float]) -> Callable[[float], float]:
    """The inverse of a distribution function on [0, 0.2], by bisection; beyond it Erlang's series fails."""

    def inverse(share: float) -> float:
        low, high = 0.0, 0.2
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if cdf(middle) < share else (low, middle)
        return high

    return inverse


def md1_cdf(t: float) -> float:
    """Time in system of M/D/1: Erlang's series for the wait, and the service."""
    service = 1 / SERVICES_PER_S
    wait = t - service
    if wait < 0:
        return 0.0
    terms = []
    for k in range(int(wait / service) + 1):
        x = ARRIVALS_PER_S * (k * service - wait)
        terms.append(x**k / math.factorial(k) * math.exp(-x))
    return (1 - ARRIVALS_PER_S / SERVICES_PER_S) * math.fsum(terms)


def tandem_cdf(t: float) -> float:
    """The sum of two exponentials and a constant."""
    a, b, x = RELAYED_PER_S - ARRIVALS_PER_S, SERVICES_PER_S - ARRIVALS_PER_S, t - LINK_S
    return 1 - (a * math.exp(-b * x) - b * math.exp(-a * x)) / (a - b) if x > 0 else 0.0


def polled_cdf(t: float) -> float:
    """The sum of a uniform and an exponential: the mean of the exponential's distribution over the wait."""

    def area(x: float) -> float:
        return x + MEAN_DELAY_S * math.expm1(-x / MEAN_DELAY_S) if x > 0 else 0.0

    return (area(t) - area(t - POLL_S)) / POLL_S


def erlang(servers: int, offered: float) -> float:
    """The probability to wait in M/M/c."""
    blocked = offered**servers / math.factorial(servers) / (1 - offered / servers)
    return blocked / (blocked + sum(offered**k / math.factorial(k) for k in range(servers)))


def closed(users: int, think_s: float, service_s: float) -> float:
    """The mean response of one exponential server to a closed load, by exact mean value analysis."""
    response_s = service_s
    waiting = 0.0
    for n in range(1, users + 1):
        response_s = service_s * (1 + waiting)
        waiting = n / (think_s + response_s) * response_s
    return response_s


def retried(rate: float, service_s: float, wait_s: float, p: float) -> float:
    """The mean time in system of M/G/1 whose service has a geometric number of waits in it."""
    mean_s = service_s + wait_s * p / (1 - p)
    square_s2 = service_s**2 + wait_s**2 * p / (1 - p) ** 2 + mean_s**2
    return mean_s + rate * square_s2 / (2 * (1 - rate * mean_s))


NAMES = {
    "erlang": erlang,
    "closed": closed,
    "retried": retried,
    "λ": ARRIVALS_PER_S,
    "μ": SERVICES_PER_S,
    "ρ": ARRIVALS_PER_S / SERVICES_PER_S,
    "T": 10.0,
    "log": math.log,
    "exp": math.exp,
    "sqrt": math.sqrt,
    "md1": quantile(md1_cdf),
    "tandem": quantile(tandem_cdf),
    "polled": quantile(polled_cdf),
}

ROWS = [row for table in PAGE.tables if {"formula", "number"} <= set(table.columns) for row in table.rows]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: only(row["formula"]))
def test_each_number_is_what_its_formula_gives(row: dict[str, str]) -> None:
    digits = row["number"]
    resolution = 10.0 ** -len(digits.partition(".")[2])
    value = eval(only(row["formula"]), {}, NAMES)
    assert abs(value - float(digits)) <= max(resolution, 1e-5 * abs(value)), (value, digits)


def test_the_tests_that_it_names_exist() -> None:
    for row in PAGE.table("The tests", "letter", "test"):
        path, _, name = only(row["test"]).partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, row["test"]


def test_every_letter_stands_for_a_test() -> None:
    letters = {row["letter"] for row in PAGE.table("The tests", "letter", "test")}
    cases = [row for t in PAGE.tables if t.heading != "The tests" for row in t.rows if "test" in row]
    used = {letter for row in cases for letter in row["test"].split(", ")}
    assert used == letters


def test_how_each_test_is_run_is_a_target_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for row in PAGE.table("The tests", "letter", "run by"):
        for command in code(row["run by"]):
            assert f"\n{command.removeprefix('make ')}:" in makefile
