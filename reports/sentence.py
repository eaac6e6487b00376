"""One sentence about a run that bears repeating in a meeting, made of its numbers.

It says what failed and for how long, and then speaks of the read model that suffered most: how far it fell
behind, when it had recovered, what share of its reads was stale from the fault until then, how many orders
were missing at a time and came, and what was lost. Orders that were lost for good come before all else. A
verdict other than `pass` is said at its end.

>>> duration(33.02), duration(0.0042), duration(150.0)
('33 s', '4.2 ms', '2 min 30 s')
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from actors.topology import node_of
from reports.evidence.arrays import Flags, Seconds
from reports.evidence.columns import flags, integers, replicas, seconds
from reports.evidence.endings import dead_letters
from reports.evidence.following import of_consumer
from reports.evidence.frames import Run
from reports.evidence.ledger import CUSTOMERS_VIEW, acknowledged, lost_orders
from reports.evidence.window import Window
from reports.judging.verdict import Verdict
from reports.measures.lag import Lags, lags
from reports.measures.percentile import nearest_rank, share
from reports.measures.reads import staleness
from reports.measures.recovery import OTHER_ACTIVE, RUN_ENDED
from scenarios.scenario import Scenario

NEAR_TIE = 1.2
"""The customers' view is spoken of unless another lagged more than this many times as far."""

AT_ONCE_S = 0.0005
"""A lag below this is not worth a number."""

SUBJECTS: Mapping[str, str] = {
    "orders": "the order service",
    "carts": "the cart service",
    "catalog": "the catalogue",
    "inventory": "the inventory service",
    "products": "the Products projection",
    "summary": "the summary projection",
    "relay": "the relay",
    "store:orders": "the Orders store",
    "store:carts": "the Carts store",
    "store:catalog": "the Catalogue store",
    "store:inventory": "the Inventory store",
    "store:products": "the Products store",
    "store:summary": "the Summary store",
    "load:orders": "the load of orders",
    "load:checkouts": "the load of check-outs",
    "load:history": "the load of history reads",
    "load:stock": "the load of stock reads",
    "load:browse": "the load of browse reads",
    "load:restock": "the load of restocks",
    "load:catalogue": "the load of catalogue changes",
    "*": "every node",
    "store:*": "every store",
    "*->*": "every link",
    "load:*": "every load",
    "message:*": "every event",
}
"""What a fault's target is called."""

HAPPENED: Mapping[str, str] = {
    "unavailable": "was down",
    "crash": "was down after a crash",
    "pause": "was paused",
    "cut": "was cut",
    "delay": "was delayed",
    "slow": "was slow",
    "timeout": "did not answer",
    "error": "failed some of its calls",
    "stale": "gave old answers",
    "full": "was full",
    "skew": "had a wrong clock",
    "bug": "had a bug",
    "exhaust": "had too small an inbox",
    "drop": "lost messages",
    "duplicate": "delivered messages twice",
    "reorder": "delivered messages out of order",
    "hold": "held messages back",
    "throttle": "was throttled",
    "poison": "could not be handled",
    "alter": "had another format",
    "surge": "surged",
    "hot": "fell on one product",
}
"""What a fault of each kind does to its target, in the past."""


class View(NamedTuple):
    """How to speak of a consumer, and which kinds of read show its state: the first that was read counts.

    `behind` is completed by `up to 31 s`, `half` by `within 8 ms`, `lost` follows `12 of 900 orders were`.
    """

    name: str
    event: str
    behind: str
    half: str
    lost: str
    reads: Mapping[str, str]


MOST_FAULTS = 3
"""So many faults at most are named one by one; nobody repeats more in a meeting."""

MOST_BROKEN = 3
"""So many broken expectations at most are named."""

VIEWS: Mapping[str, View] = {
    "summary": View(
        name="the summary",
        event="order",
        behind="customers did not see new orders for {}",
        half="customers saw half of their new orders",
        lost="lost for good: their customers never see them",
        reads={"history": "history read", "own": "read after an own order"},
    ),
    "inventory": View(
        name="the inventory",
        event="order",
        behind="the stock shown was {} behind the orders",
        half="the stock shown followed half of the orders",
        lost="lost to the inventory for good: the stock shown stays wrong",
        reads={"stock": "stock read"},
    ),
    "products": View(
        name="the product view",
        event="product change",
        behind="product names, prices and availability were {} old",
        half="the product view showed half of the product changes",
        lost="lost to the product view for good",
        reads={"browse": "browse read"},
    ),
    "orders": View(
        name="the order service",
        event="product change",
        behind="the order service checked stock that was {} old",
        half="the order service knew of half of the product changes",
        lost="lost to the order service for good",
        reads={},
    ),
}
"""The consumers, by name; one that is not here is spoken of by its name."""


class Missing(NamedTuple):
    """Events that a consumer lacks at the end, of `of`: later ones came (`gone`), or none since (`due`)."""

    gone: int
    due: int
    of: int


def sentence(run: Run, scenario: Scenario, summary: Mapping[str, Any], verdict: Verdict) -> str:
    """The sentence, ending in a full stop."""
    orders, consumer = summary["orders"], suffering(run)
    faults = [fault for fault in summary["faults"] if fault["hits"]]
    lead = _lead(scenario, summary["faults"], consumer)
    refused = _turned_away(orders)
    if consumer is None or (sum(orders.values()) and not orders["acknowledged"]):
        rest = [*refused, *_wrong(run, summary, None, Missing(0, 0, 0))]
        happened = "accepted" if sum(orders.values()) else "placed"
        return f"{lead}no order was {happened}; {_enumerate(rest)}{outcome(verdict)}."
    view, missing = _view(run, consumer), _missing(run, consumer)
    measured = lags(of_consumer(run, consumer), run.phases.window("run"))
    parked = any(len(dead_letters(run, consumer, source).position) for source in run.consumers[consumer])
    rest = [
        *_others(view, measured, missing),
        *_recovered(view, consumer, faults, given_up=bool(missing.gone or parked)),
        *_stale(run, view, consumer, faults),
        *_late(summary, consumer, missing, faulty=bool(faults)),
        *refused,
        *_wrong(run, summary, consumer, missing),
    ]
    point = _point(view, measured, missing, faulty=bool(faults))
    return f"{lead}{point}; {_enumerate(rest)}{outcome(verdict)}."


def suffering(run: Run) -> str | None:
    """The consumer whose largest lag in the run was the largest; None if no consumer had an event.

    The customers' view is preferred if it lost orders or if it lagged nearly as far.
    """
    largest_s = {
        consumer: measured.maximum
        for consumer in run.consumers
        if (measured := lags(of_consumer(run, consumer), run.phases.window("run"))).maximum is not None
    }
    if not largest_s:
        return None
    worst = max(largest_s, key=lambda consumer: largest_s[consumer])
    own = [replica for replica in replicas(run, CUSTOMERS_VIEW) if replica in largest_s]
    if not own:
        return worst
    lost = {replica: len(rows) for replica, rows in lost_orders(run, run.phases.window("always")).items()}
    worst_own = max(own, key=lambda replica: (lost[replica], largest_s[replica]))
    return worst_own if lost[worst_own] or largest_s[worst] <= NEAR_TIE * largest_s[worst_own] else worst


def _view(run: Run, consumer: str) -> View:
    """How to speak of a consumer; of a replica beside the first by its number."""
    if consumer == "orders" and "inventory" not in run.consumers[consumer]:
        return VIEWS[consumer]._replace(behind="the order service worked with product data that was {} old")
    name = f"the {consumer} projection"
    behind, half, lost = f"{name} was {{}} behind", f"{name} followed half of its events", f"lost to {name}"
    view = VIEWS.get(node_of(consumer), View(name, "event", behind, half, f"{lost} for good", reads={}))
    number = consumer.partition("/")[2]
    if number:
        name = f"copy {number} of {view.name}"
        view = view._replace(name=name, lost=f"lost to {name} for good")
        if node_of(consumer) == CUSTOMERS_VIEW:
            behind, half = f"{name} did not show new orders for {{}}", f"{name} showed half of the new orders"
            view = view._replace(behind=behind, half=half)
    return view


def _lead(scenario: Scenario, faults: Sequence[Mapping[str, Any]], consumer: str | None) -> str:
    """What failed and for how long: what befell one target in one way together, what took longest first.

    A fault that touched nothing is no reason for anything, and is not named.
    """
    if not scenario.faults:
        return "With nothing failing, "
    if not faults:
        return "With none of its faults ever occurring, "
    alike: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for fault in faults:
        if fault["hits"]:
            alike.setdefault((fault["kind"], fault["on"]), []).append(fault)
    if not alike:
        return "With no fault touching anything, "
    named = list(alike.values())
    others = len(named) - MOST_FAULTS
    if others > 1:
        harm = sorted(named, key=lambda occurrences: _harm_s(occurrences, consumer), reverse=True)
        named = [occurrences for occurrences in named if occurrences in harm[:MOST_FAULTS]]
        return f"While {', '.join(_failures(named))}, and during {others} other faults, "
    return f"While {_enumerate(_failures(named))}, "


def _harm_s(occurrences: Sequence[Mapping[str, Any]], consumer: str | None) -> tuple[float, float]:
    """For how long at most the consumer had not recovered from one, and how long they lasted in all."""
    after_s = max(one["recovery_at_least_s"].get(consumer, 0.0) for one in occurrences)
    return after_s, sum(one["end_s"] - one["start_s"] for one in occurrences)


def _failures(named: Sequence[Sequence[Mapping[str, Any]]]) -> list[str]:
    phrases = []
    for occurrences in named:
        kind, on = occurrences[0]["kind"], occurrences[0]["on"]
        total = duration(sum(one["end_s"] - one["start_s"] for one in occurrences))
        happened = f"{_subject(on, kind)} {HAPPENED.get(kind, f'had the fault {kind}')}"
        times = "" if len(occurrences) == 1 else f" {_times(len(occurrences))},"
        phrases.append(f"{happened}{times} for {total}{' in all' if times else ''}")
    return phrases


def _subject(on: str, kind: str) -> str:
    if on in SUBJECTS:
        return SUBJECTS[on]
    producer, arrow, consumer = on.partition("->")
    if arrow and "*" not in (producer, consumer):
        return f"the link from {producer} to {consumer}"
    if arrow:
        return f"every link to {consumer}" if producer == "*" else f"every link from {producer}"
    if "--" in on and "*" not in on:
        one, other = on.split("--", 1)
        return f"the link between {one} and {other}"
    what, _, name = on.partition(":")
    if what == "message" and "*" not in name:
        article = "an" if name[:1] in "AEIOU" else "a"
        return f"{name} events" if kind == "alter" else f"{article} {name} event"
    return f"all of {on}"


def _point(view: View, measured: Lags, missing: Missing, *, faulty: bool) -> str:
    """The main point: what was lost for good, or else how far the view fell behind."""
    seen_s = _seen_s(measured)
    if missing.gone:
        return f"{missing.gone:,} of {_count(missing.of, view.event)} {_were(missing.gone)} {view.lost}"
    if missing.due:
        return view.behind.format(f"at least {duration(measured.at_least_s[-1])}")
    if not len(seen_s):
        return f"none of the {view.event}s reached {view.name}"
    if seen_s[-1] < AT_ONCE_S:
        return "customers saw new orders at once" if view == VIEWS[CUSTOMERS_VIEW] else "nothing was late"
    if faulty:
        return view.behind.format(f"up to {duration(seen_s[-1])}")
    half, most = (duration(nearest_rank(seen_s, share(name)) or 0.0) for name in ("p50", "p99"))
    return f"{view.half} within {half}, 99 % within {most} and all within {duration(seen_s[-1])}"


def _others(view: View, measured: Lags, missing: Missing) -> list[str]:
    """Beside the events that were lost, how soon the others came."""
    seen_s = _seen_s(measured)
    if not missing.gone or not len(seen_s):
        return []
    return [f"the others reached {view.name} within {duration(seen_s[-1])}"]


def _seen_s(measured: Lags) -> Seconds:
    """The lags of the events that were applied, ascending."""
    return measured.at_most_s[np.isfinite(measured.at_most_s)]


def _recovered(
    view: View, consumer: str, faults: Sequence[Mapping[str, Any]], *, given_up: bool
) -> list[str]:
    """When the view had recovered; an occurrence that ended while another was active is left to that one.

    `given_up`: some events were lost or put aside, so that it cannot have; the sentence tells of these.
    """
    ended = [fault for fault in faults if fault["recovery_censored"].get(consumer) != OTHER_ACTIVE]
    if not ended:
        return []
    last = max(ended, key=lambda fault: fault["end_s"])
    last_s, reason = last["recovery_s"][consumer], last["recovery_censored"].get(consumer)
    missed = sum(fault["recovery_s"][consumer] is None for fault in ended)
    if not missed:
        longest_s = max(fault["recovery_s"][consumer] for fault in ended)
        if longest_s == 0.0:
            return [f"{view.name} was up to date as soon as that had passed"]
        each = "afterwards" if len(ended) == 1 else "after each failure at the latest"
        return [f"{view.name} had recovered {duration(longest_s)} {each}"]
    if reason == RUN_ENDED and given_up:
        return []
    if last_s is None:
        after = duration(last["recovery_at_least_s"][consumer])
        return [f"{view.name} had still not recovered {after} afterwards, when the run ended"]
    between = f"{missed:,} of the {len(ended):,} failures when the next began"
    return [f"{view.name} had not recovered from {between}, and took {duration(last_s)} after the last"]


def _stale(run: Run, view: View, consumer: str, faults: Sequence[Mapping[str, Any]]) -> list[str]:
    """The share of the view's reads that were stale: from each fault to its recovery, or in the run."""
    windows = _merged([(f["start_s"], f["end_s"] + f["recovery_at_least_s"][consumer]) for f in faults])
    when = " meanwhile" if faults else ""
    if len(windows) == 1 and windows[0].end_s >= run.phases.end_s:
        when = " from then on"
    for kind, read in view.reads.items():
        measured = [staleness(run, kind, window) for window in windows or [run.phases.window("run")]]
        judged, stale = sum(one.judged for one in measured), sum(one.stale for one in measured)
        if judged:
            return [f"{_share(stale, judged, read)} stale{when}"]
    return []


def _merged(intervals: Sequence[tuple[float, float]]) -> list[Window]:
    windows: list[Window] = []
    for start_s, end_s in sorted(intervals):
        if windows and start_s <= windows[-1].end_s:
            windows[-1] = Window(windows[-1].start_s, max(windows[-1].end_s, end_s))
        else:
            windows.append(Window(start_s, end_s))
    return windows


def _late(summary: Mapping[str, Any], consumer: str, missing: Missing, *, faulty: bool) -> list[str]:
    """How many orders were missing at a time that came in the end, so that late is not taken for lost."""
    most = summary["gaps"][CUSTOMERS_VIEW]["transient"]["missing"]
    if not faulty or node_of(consumer) != CUSTOMERS_VIEW or not most or missing.gone or missing.due:
        return []
    return [f"up to {_count(most, 'order')} {_were(most)} missing at a time"]


def _turned_away(orders: Mapping[str, int]) -> list[str]:
    total = sum(orders.values())
    missed = total - orders["acknowledged"]
    return [f"{missed:,} of {_count(total, 'order')} {_were(missed)} not accepted"] if missed else []


def _missing(run: Run, consumer: str) -> Missing:
    """What the consumer lacks and has not put aside: in the customers' view, orders of the client's ledger.

    Of the events of the run; if others are missing too, of those of all phases.
    """
    newest: dict[str, int] = {}
    events = of_consumer(run, consumer)
    never = np.isinf(events.applied_s)
    position = integers(run, "events", "position")[events.event]
    of_source = {
        source: flags(run, "events", "source", source)[events.event] for source in run.consumers[consumer]
    }
    for source, mine in of_source.items():
        newest[source] = int(position[mine & ~never].max(initial=0))
    if node_of(consumer) == CUSTOMERS_VIEW:
        always = run.phases.window("always")
        lost, told = lost_orders(run, always)[consumer], acknowledged(run, always)
        gone = integers(run, "commands", "position")[lost] <= newest["orders"]
        arrived_s = seconds(run, "commands", "arrived_s")
        return _counted(run, gone, arrived_s[lost], arrived_s[told])
    gone = np.zeros(len(never), dtype=np.bool_)
    for source, mine in of_source.items():
        never &= ~(mine & np.isin(position, dead_letters(run, consumer, source).position))
        gone |= mine & (position <= newest[source])
    return _counted(run, gone[never], events.committed_s[never], events.committed_s)


def _counted(run: Run, gone: Flags, missing_s: Seconds, all_s: Seconds) -> Missing:
    inside = run.phases.window("run").holds
    of = int(inside(all_s).sum()) if inside(missing_s).all() else len(all_s)
    return Missing(int(gone.sum()), int((~gone).sum()), of)


def _wrong(run: Run, summary: Mapping[str, Any], consumer: str | None, missing: Missing) -> list[str]:
    """What was wrong at the end, beside what is said of the consumer's lost events."""
    gaps = summary["gaps"][CUSTOMERS_VIEW]
    counted = {
        "shown more than once": gaps["doubled"],
        "shown that nobody had placed": gaps["extra"],
        "shown with wrong or outdated contents": gaps["wrong"],
        "shown without the name of a product": gaps["pending"],
        "accepted and rejected later": int(flags(run, "orders", "status", "rejected").sum()),
    }
    wrongs = _put_aside(run, summary)
    wrongs += [f"{_count(n, 'order')} {_were(n)} {wrong}" for wrong, n in counted.items() if n]
    oversold = summary["stock"]["oversold_units"]
    wrongs += [f"{_count(oversold, 'unit')} {_were(oversold)} sold that nobody had"] if oversold else []
    for name in run.consumers:
        view, found = _view(run, name), missing if name == consumer else _missing(run, name)
        told = {
            view.lost: found.gone if name != consumer else 0,
            f"still missing from {view.name} at the end": found.due,
        }
        wrongs += [f"{_count(n, view.event)} {_were(n)} {wrong}" for wrong, n in told.items() if n]
    return wrongs or ([] if missing.gone else ["nothing was lost"])


def _put_aside(run: Run, summary: Mapping[str, Any]) -> list[str]:
    """How many dead letters each consumer has; consumers with equally many in one breath."""
    owners: dict[tuple[int, str], list[str]] = {}
    parked = summary["gaps"][CUSTOMERS_VIEW]["parked"]
    for name in sorted(run.consumers, key=lambda name: node_of(name) != CUSTOMERS_VIEW):
        n = parked if name == CUSTOMERS_VIEW else summary["applied"][name]["dead_letters"]
        if n and (name == CUSTOMERS_VIEW or node_of(name) != CUSTOMERS_VIEW):
            view = _view(run, name)
            owners.setdefault((n, view.event), []).append(view.name)
    return [
        f"{_count(n, event)} {_were(n)} left in the dead letters of {_enumerate(names)}"
        for (n, event), names in owners.items()
    ]


def outcome(verdict: Verdict) -> str:
    """How the sentence ends: why it proves nothing yet, or what it breaks."""
    if verdict.verdict == "unknown":
        because = verdict.unknown_because[0].partition(";")[0]
        return f" – but this proves nothing yet, because {because}"
    broken = [result.text for result in verdict.results if result.held is False]
    if verdict.verdict == "fail":
        some = broken if len(broken) <= MOST_BROKEN else [*broken[: MOST_BROKEN - 1], "…"]
        return f" – which breaks {len(broken)} of {len(verdict.results)} expectations ({', '.join(some)})"
    return ""


def duration(seconds: float) -> str:
    """A duration for people: to the second from 10 s on, to two or three digits below."""
    if seconds >= 119.5:
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
        return " ".join(f"{number} {unit}" for number, unit in parts if number)
    if seconds >= 9.95:
        return f"{seconds:.0f} s"
    if seconds >= 0.9995:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    if seconds >= 0.00995:
        return f"{seconds * 1e3:.0f} ms"
    return f"{seconds * 1e3:.2g} ms" if seconds >= 1e-6 else "0 s"


def _share(part: int, whole: int, of: str) -> str:
    if part in (0, whole):
        return f"{'every' if part else 'no'} {of} was"
    percent = min(max(100.0 * part / whole, 0.1), 99.9)
    return f"{percent:.1f}".removesuffix(".0") + f" % of {of.replace('read', 'reads', 1)} were"


def _enumerate(phrases: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, and c`."""
    if len(phrases) < 3:
        return " and ".join(phrases)
    return f"{', '.join(phrases[:-1])}, and {phrases[-1]}"


def _times(n: int) -> str:
    return "twice" if n == 2 else f"{n} times"


def _count(n: int, of: str) -> str:
    return f"{n:,} {of}" if n == 1 else f"{n:,} {of}s"


def _were(n: int) -> str:
    return "was" if n == 1 else "were"
