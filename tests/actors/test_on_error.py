"""What follows when handling an event fails: retry, skip, park, park its key, stop; and dead letters."""

from collections.abc import Callable

import pytest
from shop import ANN, BOB, EVERYWHERE, LAMP, PATIENCE_S, TABLE, Shop, assert_consistent, policy, virtual_shop

from actors.messages import Replay
from actors.policy import Retry
from actors.tables import DEAD_LETTERS

OpenShop = Callable[..., Shop]

POISONED = 2
"""The position of the order that cannot be handled."""


def retry(**keys: object) -> Retry:
    return Retry(**{"first": 0.01, "cap": 0.02, **keys})  # type: ignore[arg-type]


def place_three(shop: Shop) -> None:
    """Ann's orders 1 and 2 and Bob's 3, of which the summary cannot handle the second."""
    for customer_id in (ANN, ANN, BOB):
        shop.placed(customer_id, {LAMP: 1})


def letters(shop: Shop, consumer: str = "summary") -> list[int]:
    return [row.position for row in shop.stores[consumer].scan(DEAD_LETTERS)]


def outcomes(shop: Shop, consumer: str = "summary") -> dict[int, str]:
    """The outcome of each event of the orders, the last one if there are several."""
    found = {}
    for outcome in ("applied", "skipped", "parked", "stopped"):
        found.update({position: outcome for position, _ in shop.handled(consumer, "orders", outcome)})
    return found


def raising(shop: Shop, **fields: object) -> object:
    """The summary has a bug that makes the second order fail."""
    return shop.failing("bug", "summary", form="raise", **{"where": {"position": POISONED}, **fields})


@EVERYWHERE
@pytest.mark.parametrize(
    ("rules", "outcome"),
    [
        ({"on_error": "skip"}, "skipped"),
        ({"on_error": "park"}, "parked"),
        ({"retry": retry(attempts=2, then="skip")}, "skipped"),
        ({"retry": retry(attempts=2, then="park")}, "parked"),
        ({"retry": retry(attempts=2, then="park", in_line=False)}, "parked"),
    ],
)
def test_an_event_that_fails_for_good_is_put_aside_and_the_others_take_effect(
    open_shop: OpenShop, rules: dict[str, object], outcome: str
) -> None:
    shop = open_shop(policy(**rules))
    with raising(shop):
        place_three(shop)
        shop.until(lambda: len(outcomes(shop)) == 3)
    assert outcomes(shop) == {1: "applied", 2: outcome, 3: "applied"}
    assert shop.summarised() == [1, 3]
    assert letters(shop) == ([2] if outcome == "parked" else [])
    shop.until_followed()


def test_so_many_attempts_are_made_as_the_policy_says_and_one_before_them() -> None:
    with virtual_shop(policy(retry=Retry(first=0.1, factor=2.0, cap=0.3, attempts=3))) as shop:
        with raising(shop):
            shop.placed(ANN, {LAMP: 1})
            committed_s = shop.runtime.now()
            shop.placed(ANN, {LAMP: 1})
            shop.runtime.sleep(2.0)
        ((position, at),) = shop.handled("summary", "orders", "parked")
        assert (position, at) == (2, pytest.approx(committed_s + 0.1 + 0.2 + 0.3))
        assert max(shop.runtime.recorder.column("applied", "attempts")) == 4


def test_in_line_later_events_wait_for_the_failing_one_and_out_of_line_they_pass_it(
    open_shop: OpenShop,
) -> None:
    for in_line, expected in ((True, [1, 2, 3]), (False, [1, 3, 2])):
        shop = open_shop(policy(retry=retry(in_line=in_line)))
        with raising(shop, first=5):
            place_three(shop)
            shop.until(lambda shop=shop: len(shop.handled("summary", "orders")) == 3)
        assert [position for position, _ in shop.handled("summary", "orders")] == expected
        shop.until_followed()
        shop.runtime.close()


def test_an_event_that_is_tried_again_out_of_line_survives_a_crash_between_its_tries(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(policy(retry=Retry(first=0.05, cap=0.05, in_line=False)))
    with raising(shop):
        place_three(shop)
        shop.until(lambda: shop.summarised() == [1, 3])
        with shop.down("summary"):
            pass
        shop.until(lambda: len(shop.handled("summary", "orders", "duplicate")) >= 1)
        assert shop.summarised() == [1, 3]
    shop.until_followed()
    assert shop.summarised() == [1, 2, 3]


@EVERYWHERE
def test_a_parked_key_keeps_every_later_event_of_its_key_in_order_until_it_is_replayed(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(policy(on_error="park-key"))
    with raising(shop):
        place_three(shop)
        shop.placed(ANN, {TABLE: 1})
        shop.placed(BOB, {TABLE: 1})
        shop.until(lambda: len(outcomes(shop)) == 5)
        assert outcomes(shop) == {1: "applied", 2: "parked", 3: "applied", 4: "parked", 5: "applied"}
        assert shop.ask("summary", Replay()) == 0, "it cannot be handled yet"
        assert letters(shop) == [2, 4], "what comes after it has not overtaken it"
    assert shop.ask("summary", Replay()) == 2
    assert letters(shop) == []
    assert [position for position, _ in shop.handled("summary", "orders")] == [1, 3, 5, 2, 4]
    shop.placed(ANN, {TABLE: 1})
    shop.until_followed()
    assert shop.summarised() == [1, 2, 3, 4, 5, 6]


@EVERYWHERE
def test_dead_letters_survive_a_crash_and_are_replayed_after_the_fix(open_shop: OpenShop) -> None:
    shop = open_shop(policy(on_error="park"))
    with raising(shop):
        place_three(shop)
        shop.until(lambda: letters(shop) == [2])
        with shop.down("summary"):
            shop.placed(BOB, {TABLE: 1})
    shop.until_followed()
    assert shop.ask("summary", Replay()) == 1
    assert shop.ask("summary", Replay()) == 0
    shop.until_followed()
    assert_consistent_but_for_order(shop)


def test_a_consumer_that_is_told_so_replays_its_dead_letters_by_itself(open_shop: OpenShop) -> None:
    shop = open_shop(policy(on_error="park", replay=0.05))
    with raising(shop):
        place_three(shop)
        shop.until(lambda: letters(shop) == [2])
    shop.until(lambda: letters(shop) == [])
    assert shop.summarised() == [1, 2, 3]


def test_a_replay_that_is_asked_for_makes_no_more_of_those_that_come_by_themselves() -> None:
    with virtual_shop(policy(on_error="park", replay=1.0)) as shop:
        end = shop.begin("bug", "summary", form="raise")
        shop.placed(ANN, {LAMP: 1})
        shop.until(lambda: letters(shop) == [1])
        for _ in range(3):
            assert shop.ask("summary", Replay()) == 0
        shop.runtime.sleep(10.5 - shop.runtime.now())
        assert end() == 1 + 3 + 10, "it is tried at once, three times by hand, and every second"


@EVERYWHERE
def test_a_store_that_cannot_even_take_a_dead_letter_is_asked_until_it_can(open_shop: OpenShop) -> None:
    shop = open_shop(policy(on_error="park", retry=retry()))
    shop.placed(BOB, {LAMP: 1})
    shop.until_followed()
    with shop.unavailable("summary"):
        place_three(shop)
        shop.until(lambda: shop.runtime.depth("summary") == 2)
    shop.until(lambda: len(outcomes(shop)) == 4)
    assert outcomes(shop)[2] == "parked", "it was the one that failed"
    assert sorted(shop.summarised() + letters(shop)) == [1, 2, 3, 4]
    shop.ask("summary", Replay())
    assert shop.summarised() == [1, 2, 3, 4]


@EVERYWHERE
def test_a_consumer_that_stops_applies_nothing_more_until_it_is_started_again(open_shop: OpenShop) -> None:
    shop = open_shop(policy(on_error="stop"))
    with raising(shop):
        place_three(shop)
        shop.until(lambda: not shop.runtime.is_alive("summary"))
        assert outcomes(shop) == {1: "applied", 2: "stopped"}
        shop.placed(BOB, {TABLE: 1})
        shop.until_followed("inventory")
        assert shop.summarised() == [1]
    with shop.down("summary"):
        pass
    shop.until_followed()
    assert_consistent(shop)


@pytest.mark.parametrize("checkpoint", ["with", "after", "before"])
@pytest.mark.parametrize("on_error", ["skip", "park"])
def test_what_is_put_aside_is_done_whatever_the_checkpoint(
    open_shop: OpenShop, checkpoint: str, on_error: str
) -> None:
    shop = open_shop(policy(on_error=on_error, checkpoint=checkpoint))
    with raising(shop):
        place_three(shop)
        shop.until(lambda: len(outcomes(shop)) == 3)
        with shop.down("summary"):
            pass
        shop.placed(ANN, {LAMP: 1})
        shop.until(lambda: 4 in outcomes(shop))
        assert shop.summarised() == [1, 3, 4]
    if on_error == "park":
        assert shop.ask("summary", Replay()) == 1
        assert shop.summarised() == [1, 2, 3, 4]


def test_letters_of_a_replayed_key_do_not_hold_up_the_key(open_shop: OpenShop) -> None:
    shop = open_shop(policy(on_error="park-key"))
    with raising(shop):
        place_three(shop)
        shop.until(lambda: len(outcomes(shop)) == 3)
    shop.ask("summary", Replay())
    shop.placed(ANN, {TABLE: 1})
    deadline = shop.runtime.now() + PATIENCE_S
    shop.until(lambda: 4 in outcomes(shop) and shop.runtime.now() < deadline)
    assert outcomes(shop)[4] == "applied"


def assert_consistent_but_for_order(shop: Shop) -> None:
    """Nothing is lost or doubled; what was parked came later than its successors."""
    assert shop.summarised() == shop.ordered()
    positions = [position for position, _ in shop.handled("summary", "orders")]
    assert sorted(positions) == shop.ordered()
