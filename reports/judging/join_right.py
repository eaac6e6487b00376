"""`join right`: each name and price that customers see is one that was right while their order was followed.

A name must be one that the Products read model had at some instant from the order's commit until the row got
its names; the price is in the row's total, which must be the order's. A line that is marked pending shows
the product's id instead of a name, and says so.
"""

import numpy as np

from reports.evidence.columns import integers, name_at
from reports.evidence.frames import Run
from reports.evidence.naming import had, in_catalogue, in_products
from reports.evidence.placed import placed_rows
from reports.evidence.shown import lines, totals_differ, written_s
from reports.judging.checked import MOST_EXAMPLES, Checked, CounterExample, Question, answer


def join_right(question: Question) -> Checked:
    """Over the rows at the end of the run, whatever the window."""
    run = question.run
    shown = lines(run)
    placed_s, last_s = written_s(run)
    since_s, until_s = placed_s[shown.row], np.where(np.isnan(last_s), np.inf, last_s)[shown.row]
    right = shown.pending | had(in_products(run), shown.product_id, shown.name, since_s, until_s)
    wrong = np.flatnonzero(~right & ~np.isnan(since_s))  # a row without an order is a phantom's matter
    other_total = np.flatnonzero(totals_differ(run))
    examples = [_wrong_name(run, int(at)) for at in wrong[:MOST_EXAMPLES]]
    examples += [_wrong_total(run, int(row)) for row in other_total[:MOST_EXAMPLES]]
    return answer(len(wrong) + len(other_total), len(shown.row), examples)


def _wrong_name(run: Run, at: int) -> CounterExample:
    shown = lines(run)
    row, product_id = int(shown.row[at]), int(shown.product_id[at])
    placed_s, last_s = (float(of_row[row]) for of_row in written_s(run))
    found = "a name that the product never had"
    spells = in_products(run)
    at_any_time = np.array([-np.inf]), np.array([np.inf])
    if had(spells, shown.product_id[at : at + 1], shown.name[at : at + 1], *at_any_time)[0]:
        found = "a name that Products had only before or after that"
    elif had(in_catalogue(run), shown.product_id[at : at + 1], shown.name[at : at + 1], *at_any_time)[0]:
        found = "a name of the catalogue that Products did not have yet"
    return {
        **_about(run, row),
        "product_id": product_id,
        "committed_s": placed_s,
        "applied_s": None if np.isnan(last_s) else last_s,
        "expected": "a name that Products had from the commit to the apply",
        "found": found,
    }


def _wrong_total(run: Run, row: int) -> CounterExample:
    return {
        **_about(run, row),
        "expected": "the total of the order",
        "found": f"a total of {integers(run, 'summaries', 'total_minor')[row]} cents",
    }


def _about(run: Run, row: int) -> CounterExample:
    order_id = integers(run, "summaries", "order_id")[row : row + 1]
    event = placed_rows(run, order_id)
    position = integers(run, "events", "position")[event] if event[0] >= 0 else [-1]
    return {
        "replica": name_at(run, "summaries", "replica", row),
        "order_id": int(order_id[0]),
        "position": int(position[0]),
    }
