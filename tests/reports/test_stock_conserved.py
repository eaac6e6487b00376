"""Stock is conserved in every history of a right inventory, and a unit too many or too few is found."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.policy import Policy
from reports.judging.checked import Question
from reports.judging.stock_conserved import stock_conserved
from scenarios.scenario import Phases, Scenario

START = 1000
CONSUMERS = {"inventory": ["orders"]}

products = st.integers(1, 2)
units = st.integers(1, 3)
restocks = st.tuples(st.just("restock"), products, units, st.sampled_from(["told", "done", "lost"]))
orders = st.tuples(st.just("order"), products, units, st.sampled_from(["handled", "under way"]))
histories = st.lists(st.one_of(restocks, orders), min_size=1, max_size=12)


class Inventory:
    """Carries out a history, and records it as a run does; `levels` are (position, product, level)."""

    def __init__(self, start=START):
        self.on_hand = dict.fromkeys((1, 2), start)
        self.levels = [(number, number, start) for number in (1, 2)]
        self.events, self.lines, self.commands, self.applied, self.orders = [], [], [], [], []
        self.reserved = []
        self.now = 0.0

    def step(self, product, delta):
        self.now += 1.0
        self.on_hand[product] += delta
        position = len(self.levels) + 1
        self.levels.append((position, product, self.on_hand[product]))
        self.events.append(("inventory", position, "InventoryUpdated", product, -1, self.now))
        return position

    def restock(self, product, delta, outcome):
        """`told`: it happened and the client heard so; `done`: it happened; `lost`: it did not."""
        arrived_s, position = self.now, -1
        if outcome != "lost":
            position = self.step(product, delta)
        told = ("acknowledged", position, self.now) if outcome == "told" else ("unanswered", -1, math.nan)
        word, known, answered_s = told
        self.commands.append(("restock", -1, -1, known, arrived_s, answered_s, word, "", product, delta))

    def order(self, product, quantity, outcome="handled"):
        self.place(product, quantity)
        if outcome == "handled":
            self.handle(len(self.orders), product, quantity)

    def place(self, product, quantity, status="confirmed"):
        self.now += 1.0
        number = len(self.orders) + 1
        self.orders.append((number, 7, 100, 1, status))
        self.events.append(("orders", number, "OrderPlaced", 7, number, self.now))
        self.lines.append((number, product, quantity))

    def handle(self, number, product, quantity, times=1):
        for _ in range(times):
            self.step(product, -quantity)
        self.applied.append(("inventory", "orders", number, self.now, self.now, 1, "applied"))

    def tables(self):
        names = ("levels", "events", "lines", "commands", "applied", "orders", "reserved")
        return {name: getattr(self, name) for name in names}


@pytest.fixture(scope="module")
def checked(in_memory):
    def checked(inventory, stock="view", engine="simulated"):
        scenario = Scenario(
            name="x", phases=Phases(warm=0.0, run=900.0, settle=100.0), policy=Policy(stock=stock)
        )
        run = in_memory(inventory.tables(), scenario=scenario, consumers=CONSUMERS)
        run = replace(run, info={**run.info, "engine": engine})
        return stock_conserved(Question(run, scenario, run.phases.window("always")))

    return checked


def carried_out(history):
    inventory = Inventory()
    for what, product, number, outcome in history:
        getattr(inventory, what)(product, number, outcome)
    return inventory


@settings(max_examples=40, deadline=None)
@given(histories)
def test_a_right_inventory_conserves_its_stock_whatever_of_it_is_known(checked, history):
    inventory = carried_out(history)
    for stock in ("view", "reserve"):
        found = checked(inventory, stock)
        assert found.count == 0, found.counter_examples
        assert found.held is (True if len(inventory.levels) > 2 else None)


@settings(max_examples=40, deadline=None)
@given(histories, st.data(), st.sampled_from([-1000, 1000]))
def test_a_step_that_nothing_explains_is_found(checked, history, data, amount):
    inventory = carried_out([*history, ("order", 1, 1, "handled")])
    at = data.draw(st.integers(2, len(inventory.levels) - 1))
    product = inventory.levels[at][1]
    inventory.levels = [
        (position, p, level + amount if p == product and position > at else level)
        for position, p, level in inventory.levels
    ]
    assert checked(inventory).held is False
    assert checked(inventory, "reserve").held is False


@settings(max_examples=40, deadline=None)
@given(histories, products, units)
def test_an_order_that_takes_its_units_twice_is_found(checked, history, product, quantity):
    for stock, in_doubt in (("view", ["under way"]), ("reserve", ["under way", "done", "lost"])):
        inventory = carried_out([step for step in history if step[-1] not in in_doubt])
        inventory.place(product, quantity)
        inventory.handle(len(inventory.orders), product, quantity, times=2)
        found = checked(inventory, stock)
        assert found.held is False
        assert found.counter_examples[0]["product_id"] == product


def test_on_a_wall_clock_an_order_may_be_handled_before_its_commit_is_noted(checked):
    inventory = carried_out([("order", 1, 2, "handled")])
    (source, number, kind, key, order_id, _), *others = inventory.events
    noted_late = (source, number, kind, key, order_id, inventory.now + 0.5)
    inventory.events = [noted_late, *others]
    assert checked(inventory).held is False
    assert checked(inventory, engine="live").held is True


@settings(max_examples=40, deadline=None)
@given(histories, products)
def test_an_order_that_takes_nothing_although_it_was_handled_is_found(checked, history, product):
    inventory = carried_out(history)
    inventory.restock(2, 1, "told")  # so that there is something to judge
    inventory.place(product, 500)
    inventory.handle(len(inventory.orders), product, 500, times=0)
    for stock in ("view", "reserve"):
        found = checked(inventory, stock)
        assert (found.held, found.count) == (False, 1)
        assert found.counter_examples[0]["product_id"] == product


@settings(max_examples=40, deadline=None)
@given(histories)
def test_a_restock_that_the_client_was_told_of_must_have_happened(checked, history):
    inventory = carried_out([*history, ("order", 1, 1, "handled")])
    inventory.commands.append(("restock", -1, -1, 0, 0.0, 1.0, "acknowledged", "", 1, 500))
    assert checked(inventory).held is False


def test_a_restock_explains_one_step_of_its_size_at_its_place(checked):
    inventory = Inventory()
    inventory.restock(1, 3, "told")
    inventory.step(1, 3)
    found = checked(inventory)
    assert (found.held, found.counter_examples[0]["position"]) == (False, 4)
    inventory.restock(1, 3, "lost")  # sent after that step, so it cannot have been it
    inventory.commands[-1] = (*inventory.commands[-1][:4], inventory.now + 1.0, *inventory.commands[-1][5:])
    assert checked(inventory).held is False


def test_an_order_takes_units_only_after_it_was_committed(checked):
    inventory = Inventory()
    inventory.step(1, -2)
    inventory.place(1, 2)
    inventory.applied.append(("inventory", "orders", 1, inventory.now, inventory.now, 1, "applied"))
    assert checked(inventory).held is False
    assert checked(inventory, "reserve").held is True, "a reservation comes before its order"


def test_a_negative_level_is_found_although_every_step_is_explained(checked):
    inventory = Inventory(start=1)
    inventory.order(1, 3)
    found = checked(inventory)
    assert (found.held, found.count) == (False, 1)
    assert found.counter_examples[0] == {
        "product_id": 1,
        "position": 3,
        "order_id": 1,
        "committed_s": 2.0,
        "expected": "a level of 0 or more",
        "found": "a level that went from 1 to -2",
    }


def test_units_in_reservations_are_on_hand_for_their_orders(checked):
    inventory = Inventory()
    inventory.step(1, -2)
    assert checked(inventory, "reserve").held is False, "two units have vanished"
    inventory.reserved = [(1, 2)]
    assert checked(inventory, "reserve").held is True
    inventory.step(1, 2)
    inventory.reserved = []
    assert checked(inventory, "reserve").held is True, "they were put back"
    inventory.step(1, 2)
    assert checked(inventory, "reserve").held is False, "and once more"


def test_an_order_that_the_inventory_turned_down_takes_nothing(checked):
    inventory = Inventory()
    inventory.order(2, 1)
    inventory.place(1, 5, status="rejected")
    inventory.applied.append(("inventory", "orders", 2, inventory.now, inventory.now, 1, "applied"))
    inventory.events.append(("inventory", 4, "StockRejected", 7, 2, inventory.now))
    assert checked(inventory, "saga").held is True


def test_without_a_commit_of_the_inventory_there_is_nothing_to_judge(checked):
    assert checked(Inventory()).held is None
