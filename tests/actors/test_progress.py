"""What a consumer remembers of one log: exactly the set of positions that it has applied."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.consuming.progress import Progress, checkpoint_change, checkpoint_position, load
from actors.stores.memory import MemoryStore
from actors.tables import APPLIED, APPLIED_AHEAD, CHECKPOINTS, TABLES_OF_SERVICE

ARRIVALS = st.lists(st.integers(1, 12), max_size=30)
"""Positions in any order, some of them again."""

HOW = st.sampled_from(["with", "after"])


def empty_store() -> MemoryStore:
    return MemoryStore("summary", TABLES_OF_SERVICE["summary"])


def loaded(store: MemoryStore, checkpoint: str, *, idempotent: bool = True) -> Progress:
    return load(store, "summary", "orders", idempotent=idempotent, checkpoint=checkpoint)  # type: ignore[arg-type]


def gapless(applied: set[int]) -> int:
    """How far a set of positions reaches from 1 on without a gap."""
    reach = 0
    while reach + 1 in applied:
        reach += 1
    return reach


@given(ARRIVALS, st.booleans(), st.sampled_from(["with", "after", "before"]))
def test_progress_is_the_set_of_what_was_marked(
    arrivals: list[int], idempotent: bool, checkpoint: str
) -> None:
    progress = Progress("summary", "orders", idempotent=idempotent, checkpoint=checkpoint)  # type: ignore[arg-type]
    applied: set[int] = set()
    for position in arrivals:
        progress.mark(position)
        applied.add(position)
        assert {p for p in range(1, 20) if progress.has(p)} == applied
        assert progress.watermark == gapless(applied)
        assert progress.ahead == {p for p in applied if p > progress.watermark}


@given(ARRIVALS, HOW)
def test_progress_loaded_from_the_store_equals_the_one_in_memory_at_every_moment(
    arrivals: list[int], checkpoint: str
) -> None:
    store = empty_store()
    progress = loaded(store, checkpoint)
    for position in arrivals:
        store.write(progress.changes(position))
        progress.mark(position)
        again = loaded(store, checkpoint)
        assert (again.watermark, again.ahead) == (progress.watermark, progress.ahead)
    assert {row.position for row in store.scan(APPLIED_AHEAD)} == progress.ahead, "no row is left over"


@given(ARRIVALS, HOW)
def test_a_consumer_may_crash_at_any_moment_and_go_on_with_what_the_store_says(
    arrivals: list[int], checkpoint: str
) -> None:
    store = empty_store()
    applied: set[int] = set()
    for position in arrivals:
        progress = loaded(store, checkpoint)
        assert progress.has(position) == (position in applied)
        store.write(progress.changes(position))
        applied.add(position)
    assert loaded(store, checkpoint).watermark == gapless(applied)


@given(ARRIVALS, st.integers(1, 12), st.sampled_from(["with", "after", "before"]))
def test_what_lies_at_or_below_the_checkpoint_counts_as_done(
    arrivals: list[int], claimed: int, checkpoint: str
) -> None:
    store = empty_store()
    progress = loaded(store, "after")
    for position in arrivals:
        store.write(progress.changes(position))
        progress.mark(position)
    store.write([checkpoint_change("summary", "orders", claimed)])
    again = loaded(store, checkpoint)
    expected = set(arrivals) | set(range(1, claimed + 1))
    assert {p for p in range(1, 20) if again.has(p)} == expected
    assert again.watermark == gapless(expected)


@given(ARRIVALS, ARRIVALS)
def test_each_log_and_each_consumer_is_remembered_by_itself(some: list[int], others: list[int]) -> None:
    store = empty_store()
    for consumer, source, arrivals in (
        ("summary", "orders", some),
        ("summary", "catalog", others),
        ("products", "orders", others),
    ):
        progress = load(store, consumer, source, idempotent=True, checkpoint="with")
        for position in arrivals:
            store.write(progress.changes(position))
            progress.mark(position)
    progress = loaded(store, "with")
    assert {p for p in range(1, 20) if progress.has(p)} == set(some)


@given(ARRIVALS)
def test_a_consumer_that_is_not_idempotent_remembers_its_checkpoint_alone(arrivals: list[int]) -> None:
    store = empty_store()
    progress = loaded(store, "with", idempotent=False)
    for position in arrivals:
        store.write(progress.changes(position))
        progress.mark(position)
    assert checkpoint_position(store, "summary", "orders") == gapless(set(arrivals))
    assert list(store.scan(APPLIED)) == []
    assert list(store.scan(APPLIED_AHEAD)) == []


@pytest.mark.parametrize("checkpoint", ["after", "before"])
def test_the_checkpoint_is_not_touched_unless_it_is_written_with_the_view(checkpoint: str) -> None:
    store = empty_store()
    store.write(loaded(store, checkpoint).changes(1))
    assert list(store.scan(CHECKPOINTS)) == []
    assert checkpoint_position(store, "summary", "orders") == 0
