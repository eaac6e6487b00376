"""The figures: they say what the measures say, stay small, write nothing and can be told apart in grey."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from actors.topology import consumers
from reports import RunError, figures
from reports.evidence.following import of_consumer
from reports.figures.axes import duration_tick
from reports.figures.style import SERIES, VIEWS, line_of
from reports.journey import journey, worst_orders
from reports.measures import backlog, timeline
from reports.measures.lag import lags
from reports.measures.time_behind import time_behind
from reports.measures.transience import gaps_over_time, highest_gaps
from reports.measures.visibility import visible_within
from scenarios.file import loads
from simulation.run import simulate

SCENARIO = """
name = "shop"
[phases]
warm = "2s"
run = "10s"
settle = "10s"
[population]
customers = 20
products = 10
[load]
orders = "poisson(20/s)"
history = "poisson(20/s)"
stock = "poisson(5/s)"
own_read = "exp(500ms)"
[policy]
{policy}
[time]
orders = "1ms"
summary = "exp(5ms)"
"store:products" = "exp(1ms)"
[link]
"orders->inventory" = "exp(2ms)"
[[fault]]
kind = "{kind}"
on = "{on}"
at = "2s"
for = "2s"
{more}
[[expect]]
that = ["lag.p99{{summary}} < 1s", "time_behind.max{{summary}} < 5s", "visible_within(1s){{summary}} >= 0.5"]
"""

OF_ONE_RUN = [
    figures.consistency,
    figures.time_behind,
    figures.lag_over_time,
    figures.backlog,
    figures.visibility,
    figures.lag_ccdf,
    figures.session_violations,
    figures.gaps,
]


def shop(in_memory, policy="", kind="unavailable", on="store:products", more=""):
    text = SCENARIO.format(policy=policy, kind=kind, on=on, more=more)
    scenario = loads(text, source="shop.toml", folder=None)
    simulated = simulate(scenario)
    return in_memory(simulated.recorder, scenario=scenario, consumers=consumers(scenario.policy))


@pytest.fixture(scope="module")
def outage(in_memory):
    return shop(in_memory)


@pytest.fixture(scope="module")
def told_directly(in_memory):
    return shop(in_memory, policy='publish = "direct"', kind="crash", on="summary")


@pytest.fixture(scope="module")
def quiet(in_memory):
    """Nothing happens at all."""
    return in_memory({})


def lines(figure, panel=0):
    """The curves of a panel by their names."""
    return {line.get_label(): line for line in figure.axes[panel].lines if line.get_label()[0] != "_"}


def words(figure):
    """All texts in the figure."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", figures.svg(figure))


@pytest.mark.parametrize("draw", OF_ONE_RUN)
def test_a_figure_is_drawn_of_a_run_and_writes_nothing(draw, outage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert isinstance(draw(outage), Figure)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("draw", OF_ONE_RUN)
def test_a_figure_drawn_twice_is_the_same_to_the_byte_and_has_no_date(draw, outage):
    one, other = (figures.svg(draw(outage)) for _ in range(2))
    assert one == other
    assert "date" not in one.lower()


def test_figures_need_no_window_system_and_no_pyplot():
    code = "import sys, reports.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    bare = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "MPLBACKEND")}
    assert subprocess.run([sys.executable, "-c", code], env=bare, timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("draw", OF_ONE_RUN)
def test_a_figure_says_in_words_what_it_shows(draw, outage):
    said = figures.words_of(draw(outage))
    assert re.search(r"\d", said), said
    assert "summary" in said or "missing" in said or "history" in said


@pytest.mark.parametrize("draw", OF_ONE_RUN)
def test_a_run_in_which_nothing_happened_has_figures_without_a_curve_or_none(draw, quiet):
    figure = draw(quiet)
    assert figure is None or figures.svg(figure)


def test_a_run_without_read_models_is_refused_in_words(in_memory):
    outside = in_memory({}, consumers={})
    for draw in (figures.consistency, figures.backlog, figures.visibility, figures.lag_ccdf):
        with pytest.raises(RunError, match="no read models"):
            draw(outside)


def test_there_is_no_figure_of_reads_that_were_not_made_nor_of_gaps_that_never_were(quiet):
    assert figures.session_violations(quiet) is None
    assert figures.gaps(quiet) is None


def test_a_simulated_run_has_no_figures_of_real_clients(outage):
    assert figures.throughput_latency(outage) is None
    assert figures.probed_visibility(outage) is None


@pytest.mark.parametrize("consumer", ["summary", "products", "inventory"])
def test_the_highest_point_over_time_is_the_measure_s_largest_value(outage, consumer):
    whole = outage.phases.window("always")
    events = of_consumer(outage, consumer)
    drawn = lines(figures.time_behind(outage))[consumer].get_ydata()
    assert drawn.max() == pytest.approx(time_behind(events, whole).maximum)
    drawn = lines(figures.backlog(outage))[consumer].get_ydata()
    assert drawn.max() == backlog.maximum(events, whole)


def test_windows_of_lag_hold_every_event_and_the_largest_lag(outage):
    over_time = timeline.lag_over_time(outage, "summary")
    measured = lags(of_consumer(outage, "summary"), outage.phases.window("always"))
    assert over_time["events"].sum() == measured.count
    assert over_time["max_s"].max() == measured.maximum
    assert (over_time["p50_s"] <= over_time["p99_s"]).all()
    assert (over_time["p99_s"] <= over_time["max_s"]).all()


def test_the_visibility_curve_is_that_of_the_measure(outage):
    line = lines(figures.visibility(outage))["summary"]
    measured = lags(of_consumer(outage, "summary"), outage.phases.window("run"))
    np.testing.assert_array_equal(line.get_ydata(), visible_within(measured, line.get_xdata()))


def test_without_faults_more_is_visible_soon_than_with_them(outage):
    events = of_consumer(outage, "summary")
    calm = timeline.calm(outage, "summary", events)
    during = (events.committed_s >= 2.0) & (events.committed_s < 4.0)
    assert not (calm & during).any()
    assert calm[events.committed_s < 2.0].all()
    late = events.applied_s - events.committed_s > 0.5
    assert late.any()
    assert not (late & calm).any()


def test_the_tail_of_a_run_that_lost_changes_does_not_come_down(told_directly, outage):
    lost = lags(of_consumer(told_directly, "summary"), told_directly.phases.window("run"))
    assert lost.censored
    shown = lines(figures.lag_ccdf(told_directly))["summary"].get_ydata()
    assert shown[-1] == pytest.approx(lost.censored / lost.count)
    whole = lines(figures.lag_ccdf(outage))["summary"].get_ydata()
    assert whole[-1] < 1.0 / lags(of_consumer(outage, "summary"), outage.phases.window("run")).count


def test_windows_of_gaps_keep_the_highest_and_end_with_what_stays(told_directly):
    bounds_s = timeline.cut(told_directly).bounds_s
    highest = highest_gaps(told_directly, bounds_s)["missing"]
    counted = gaps_over_time(told_directly, 2000).query("kind == 'missing'")["count"]
    assert highest.max() >= counted.max()
    assert highest[-1] == counted.iloc[-1] > 0
    drawn = words(figures.gaps(told_directly))
    assert f"{highest[-1]} missing for good" in drawn


def test_faults_objectives_and_the_longest_recovery_are_named_in_the_main_figure(outage):
    drawn = words(figures.consistency(outage))
    assert "unavailable store:products, 2 s" in drawn
    assert "objective: lag.p99{summary} &lt; 1s" in drawn
    assert "objective: time_behind.max{summary} &lt; 5s" in drawn
    assert any(re.match(r"\w+ recovered .* after the fault", text) for text in drawn), drawn


def test_the_size_of_a_figure_does_not_grow_with_the_run(in_memory):
    def applied_at_once(count):
        at_s = np.linspace(0.0, 290.0, count)
        events = [("orders", n + 1, "OrderPlaced", n % 50, n, float(t)) for n, t in enumerate(at_s)]
        rng = np.random.default_rng(1)
        lag_s = rng.exponential(0.01, count)
        applied = [
            ("summary", "orders", n + 1, float(t), float(t + late), 1, "applied")
            for n, (t, late) in enumerate(zip(at_s, lag_s, strict=True))
        ]
        return in_memory({"events": events, "applied": applied})

    few, many = applied_at_once(2_000), applied_at_once(20_000)
    for draw in (figures.consistency, figures.backlog, figures.visibility, figures.lag_ccdf):
        assert len(figures.svg(draw(many))) < 1.5 * len(figures.svg(draw(few)))


def test_read_models_can_be_told_apart_without_their_colours():
    assert len({str(line_of(view)["linestyle"]) for view in VIEWS}) == len(VIEWS)
    assert len({marker for _, _, marker in VIEWS.values()}) == len(VIEWS)
    assert len({str(style["linestyle"]) for style in SERIES}) == len(SERIES)
    assert line_of("summary/2")["linestyle"] != line_of("summary")["linestyle"]
    assert line_of("summary/2")["color"] == line_of("summary")["color"]


def test_ticks_are_durations_in_their_own_unit():
    assert [duration_tick(value) for value in (0.001, 1.0, 60.0, 120.0)] == ["1 ms", "1 s", "60 s", "2 min"]


def test_the_latest_orders_are_those_with_the_largest_lag_and_lost_ones_come_first(outage, told_directly):
    late = worst_orders(outage)
    assert len(late) == 8
    assert [one.lag_s for one in late] == sorted((one.lag_s for one in late), reverse=True)
    placed = lags(of_consumer(outage, "summary"), outage.phases.window("run"))
    assert late[0].lag_s == pytest.approx(placed.maximum)
    assert worst_orders(told_directly)[0].never


def test_the_messages_of_an_order_begin_with_the_command_and_are_in_the_order_of_time(outage):
    order = worst_orders(outage)[0].order_id
    steps = journey(outage, order)
    assert steps[0].text == "PlaceOrder"
    assert [step.at_s for step in steps] == sorted(step.at_s for step in steps)
    committed = next(n for n, step in enumerate(steps) if step.text.startswith("OrderPlaced #"))
    answered = next(n for n, step in enumerate(steps) if step.text == "acknowledged")
    assert committed < answered
    assert any(step.source == "summary" and "applied" in step.text for step in steps)
    assert any("unavailable store:products" in step.text for step in steps)


def test_no_read_shows_an_order_that_was_lost(told_directly):
    for lost in (one for one in worst_orders(told_directly) if one.never):
        told = [step.text for step in journey(told_directly, lost.order_id)]
        assert "a read shows it" not in told
        assert "not handled by the end of the run" in told


def test_every_message_of_an_order_is_written_in_its_diagram(outage):
    order = worst_orders(outage)[0].order_id
    drawn = words(figures.message_sequence(outage, order))
    for step in journey(outage, order):
        assert step.text in drawn
    assert {"client", "order service", "event log", "inventory", "summary"} <= set(drawn)


def test_there_is_no_diagram_of_an_order_that_nobody_placed(outage):
    assert figures.message_sequence(outage, 10**9) is None


def test_runs_are_laid_over_each_other_by_the_read_models_that_all_have(outage, told_directly, quiet):
    for draw in (figures.ecdf_compare, figures.lag_compare):
        assert len(draw([outage, told_directly]).axes) == 4
        assert len(draw([outage, quiet]).axes) == 1
        assert draw([]) is None
        assert "as it was" in words(draw([outage, told_directly], ["as it was", "told directly"]))


def test_more_runs_than_can_be_told_apart_are_drawn_all_the_same(outage):
    figure = figures.ecdf_compare([outage] * (len(SERIES) + 2))
    assert len(figure.axes[0].lines) == len(SERIES) + 2


def test_a_figure_can_be_had_as_a_picture_of_pixels(outage):
    assert figures.png(figures.backlog(outage), dpi=30.0).startswith(b"\x89PNG")


def test_every_figure_is_in_the_documentation():
    text = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    for name in set(figures.__all__) - {"png", "svg", "words_of"}:
        assert f"`{name}`" in text


def test_what_became_of_a_pending_order_is_part_of_its_way(in_memory):
    run = shop(in_memory, policy='stock = "saga"', kind="pause", on="inventory")
    waited = worst_orders(run)[0].order_id
    told = [(step.source, step.target, step.text) for step in journey(run, waited)]
    assert told.index(("inventory", "log", "StockReserved")) < told.index(("orders", "log", "OrderConfirmed"))
    assert told.index(("orders", "log", "OrderConfirmed")) < told.index(
        ("summary", "summary", "shown as confirmed")
    )
