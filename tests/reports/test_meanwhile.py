"""What happened while a fault lasted and was recovered from, worked out by hand."""

from reports.measures.meanwhile import meanwhile

# Customer 1 orders every second; what is ordered at 3 s to 5 s is seen at 6 s, as the summary is paused.
SEEN_S = {1: 1.1, 2: 2.2, 3: 6.0, 4: 6.0, 5: 6.0, 6: 6.005, 7: 7.005}
PAUSE = (0, "pause", "summary", 2.9, 5.0, 3)


def tables():
    return {
        "commands": [
            ("orders", 1, n, n, n, n, "acknowledged", "", -1, -1) for n in SEEN_S
        ] + [("orders", 1, -1, -1, 4.5, 4.5, "failed", "", -1, -1)],
        "events": [("orders", n, "OrderPlaced", 1, n, float(n)) for n in SEEN_S],
        "applied": [("summary", "orders", n, at_s, at_s, 1, "applied") for n, at_s in SEEN_S.items()],
        "reads": [
            ("history", 1, 1, 4.6, 4.6, 2, "ok"),  # misses orders 3 and 4
            ("history", 1, 1, 5.5, 5.5, 5, "ok"),
            ("history", 1, 1, 7.5, 7.5, 7, "ok"),
            ("history", 1, 1, 4.7, 4.7, -1, "failed"),
        ],
        "faults": [PAUSE],
    }  # fmt: skip


def test_lag_reads_and_orders_of_a_faults_time_stand_beside_the_time_without_any(in_memory):
    during, at_ease = meanwhile(in_memory(tables()))
    assert (during.occurrence, at_ease.occurrence) == (0, -1)
    assert during.lag_s == {"summary": 3.0}
    assert at_ease.lag_s["summary"] == 2.2 - 2
    assert (during.reads, during.stale, at_ease.reads, at_ease.stale) == (2, 1, 1, 0)
    # Orders 3 to 6, the last of them as the summary has just recovered, and the failed one.
    assert (during.orders, during.refused, at_ease.orders, at_ease.refused) == (5, 1, 3, 0)


def test_a_change_that_was_under_way_as_the_fault_began_belongs_to_the_fault(in_memory):
    early = tables() | {"faults": [(0, "pause", "summary", 3.5, 5.0, 3)]}
    during, at_ease = meanwhile(in_memory(early))
    assert during.lag_s["summary"] == 3.0  # that of the order at 3 s
    assert at_ease.lag_s["summary"] < 1.0


def test_what_was_never_applied_is_said_to_be_at_least_so_late(in_memory):
    lost = tables()
    lost["applied"] = [row for row in lost["applied"] if row[2] != 4]
    during, _ = meanwhile(in_memory(lost))
    assert during.never == {"summary"}
    assert during.lag_s["summary"] > 3.0
