from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scenarios.randomness import Streams, quantise


def test_the_first_uniforms_of_two_streams_are_as_they_always_were() -> None:
    streams = Streams(1)
    assert streams.stream("load/orders").uniforms(3).tolist() == [
        0.6310923810466855,
        0.22371841756964173,
        0.7694222153266361,
    ]
    assert [streams.stream("service/summary").uniform() for _ in range(3)] == [
        0.21507335637881086,
        0.5291567265996063,
        0.5399088083383287,
    ]


@given(st.lists(st.integers(min_value=0, max_value=200), max_size=20), st.data())
def test_all_ways_of_taking_uniforms_take_from_one_sequence(counts: list[int], data: st.DataObject) -> None:
    stream = Streams(7).stream("any")
    taken: list[float] = []
    for count in counts:
        if data.draw(st.booleans()):
            taken += stream.uniforms(count).tolist()
        else:
            taken += [stream.uniform() for _ in range(count)]
    assert taken == Streams(7).stream("any").uniforms(sum(counts)).tolist()


def test_a_stream_does_not_depend_on_what_others_take_or_when_they_are_made() -> None:
    alone = Streams(3).stream("b").uniforms(100).tolist()
    streams = Streams(3)
    streams.stream("a").uniforms(1234)
    interleaved = []
    for _ in range(100):
        streams.stream("c").uniform()
        interleaved.append(streams.stream("b").uniform())
    assert interleaved == alone


def test_streams_differ_by_name_and_by_seed_and_do_not_correlate() -> None:
    rows = np.array(
        [Streams(seed).stream(name).uniforms(20_000) for seed in (1, 2, 11) for name in ("a", "b", "1", "1a")]
    )
    correlations = np.corrcoef(rows) - np.eye(len(rows))
    assert np.abs(correlations).max() < 4.5 / np.sqrt(20_000)


def test_uniforms_lie_in_the_unit_interval_and_fill_it_evenly() -> None:
    uniforms = Streams(5).stream("even").uniforms(100_000)
    assert uniforms.min() >= 0
    assert uniforms.max() < 1
    counts = np.bincount((uniforms * 50).astype(int), minlength=50)
    assert ((counts - 2000) ** 2 / 2000).sum() < 85.4  # the 99.9th percentile of chi-squared with 49 degrees


def test_below_gives_every_number_about_as_often() -> None:
    stream = Streams(5).stream("dice")
    counts = Counter(stream.below(6) for _ in range(60_000))
    assert sorted(counts) == [0, 1, 2, 3, 4, 5]
    assert all(abs(count - 10_000) < 4 * 91.3 for count in counts.values())


@given(st.floats(min_value=-1e6, max_value=1e6))
def test_the_grid_moves_nothing_by_more_than_half_a_step_and_nothing_twice(value: float) -> None:
    rounded = quantise(value)
    assert abs(rounded - value) <= 2.0**-37
    assert quantise(rounded) == rounded


@given(st.lists(st.floats(min_value=-1e5, max_value=1e5), max_size=20))
def test_numbers_and_arrays_are_rounded_alike(values: list[float]) -> None:
    assert quantise(np.array(values, dtype=float)).tolist() == [quantise(value) for value in values]


@given(st.lists(st.floats(min_value=0, max_value=1000), max_size=50), st.randoms())
def test_sums_on_the_grid_do_not_depend_on_their_order(values: list[float], random: object) -> None:
    on_grid = [quantise(value) for value in values]
    shuffled = list(on_grid)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sum(on_grid) == sum(shuffled)
