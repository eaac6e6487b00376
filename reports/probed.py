"""The verdict on a probe, and what to say of it: a system seen from outside, by the client's tables alone.

It is `unknown` whenever the probe itself was not valid, whatever the numbers say: the prober could not keep
up, was interrupted or bounded, what it captured led nowhere, it was refused for its credentials, the target
was gone, or a claim had nothing to judge.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reports.evidence.columns import flags
from reports.evidence.frames import Run
from reports.judging.checked import NOTHING_TO_JUDGE
from reports.judging.verdict import Verdict, concluded, measured_result
from reports.measures.client_side import acknowledgements, client_lags, client_summary, latencies_s, outcomes
from reports.measures.percentile import statistic
from reports.measures.table import Measured
from reports.measures.visibility import visible_within, visible_within_at_most
from reports.sentence import duration, outcome
from reports.summary import rounded
from scenarios.expectations import Expectation
from scenarios.probe import Probe, View
from scenarios.probefile import WRITE

REFUSALS = ("401", "403")
"""The statuses of HTTP by which a server says that it does not know who asks, or that they may not."""


def summarise_probe(run: Run) -> dict[str, Any]:
    """The content of summary.json but for the verdict, which is None until `judge_probe` has it."""
    found: dict[str, Any] = rounded(
        {
            **{key: run.info.get(key) for key in ("scenario", "seed", "engine")},
            "verdict": None,
            "client": {**client_summary(run), "answers": run.info["answers"]},
            "generator": run.info["generator"],
        }
    )
    return found


# -- measures ------------------------------------------------------------------------------------------


def _lag(run: Run, claim: Expectation, phase: str) -> Measured:
    measured = client_lags(run, claim.part or "", acknowledgements(run, phase))
    at_most = measured.upper(claim.statistic or "") if measured.censored else None
    return Measured(
        statistic(measured.at_least_s, claim.statistic or ""), measured.count, measured.censored, at_most
    )


def _visible_within(run: Run, claim: Expectation, phase: str) -> Measured:
    measured = client_lags(run, claim.part or "", acknowledgements(run, phase))
    if not measured.count:
        return Measured(None, 0)
    after_s = claim.argument or 0.0
    at_most = float(visible_within_at_most(measured, after_s)) if measured.censored else None
    return Measured(float(visible_within(measured, after_s)), measured.count, measured.censored, at_most)


def _success(run: Run, claim: Expectation, phase: str) -> Measured:
    """Of the requests that were sent: the prober's own drops say nothing of the system."""
    ended = outcomes(run, claim.part or "", run.phases.window(phase))
    sent = sum(ended.values()) - ended["dropped"]
    return Measured(ended["ok"] / sent if sent else None, sent)


def _latency(run: Run, claim: Expectation, phase: str) -> Measured:
    measured_s = latencies_s(run, claim.part or "", run.phases.window(phase))
    return Measured(statistic(measured_s, claim.statistic or ""), len(measured_s))


MEASURES: Mapping[str, Callable[[Run, Expectation, str], Measured]] = {
    "lag": _lag,
    "visible_within": _visible_within,
    "success": _success,
    "latency": _latency,
}
"""The measures of `scenarios.probefile.measures_of`."""


# -- verdict -------------------------------------------------------------------------------------------


def judge_probe(run: Run, probe: Probe) -> Verdict:
    """Judge every claim of the probe over its phase."""
    results = [
        measured_result(claim, MEASURES[claim.measure](run, claim, expect.when), expect.when)
        for expect in probe.expect
        for claim in expect.that
        if isinstance(claim, Expectation)
    ]
    empty = [
        f"{result.text}: {NOTHING_TO_JUDGE}; no write of this phase was {_lacked(result.text)}"
        for result in results
        if result.reason == NOTHING_TO_JUDGE
    ]
    return concluded(results, [*_unfinished(run), *_misled(run, probe), *empty, *_outpaced(run)])


def _lacked(text: str) -> str:
    return "sent" if text.startswith("success") else "acknowledged"


def _unfinished(run: Run) -> list[str]:
    """What ended the probe before its time, or the target."""
    info, found = run.info, []
    if (at_s := info.get("interrupted_s")) is not None:
        found.append(f"it was interrupted {_after(run, at_s)}; let it run to its end")
    if (at_s := info.get("gone_since_s")) is not None:
        found.append(
            f"the target was gone in the end, and gave no answer from {_after(run, at_s)} on; start it again"
        )
    if (at_s := info.get("bounded_s")) is not None:
        found.append(
            f"bounds.writes had been made {_after(run, at_s)}; raise it, or lower write.rate or phases.run"
        )
    return found


def _after(run: Run, at_s: float) -> str:
    return f"{duration(at_s + run.phases.warm_s)} after its start"


def _outpaced(run: Run) -> list[str]:
    generator = run.info["generator"]
    if generator["kept_up"]:
        return []
    cure = "lower write.rate, make poll longer, or raise [bounds] if the target is only slow to answer"
    return [f"the prober could not keep up ({generator['reason']}); {cure}"]


def _misled(run: Run, probe: Probe) -> list[str]:
    """What in the probe file cannot be right, by what the target answered."""
    found = [f"{n:,} {reason}; correct it" for reason, n in run.info.get("unwatchable", {}).items()]
    answers = run.info["answers"]
    refused = [who for who, statuses in answers.items() if statuses and set(statuses) <= set(REFUSALS)]
    found += [
        f"every request of {who} was refused with {_listed(answers[who])}; give it the right headers"
        for who in refused
    ]
    found += [
        f"no answer of {view.name} told of a write, what came was {_unread(view, answers[view.name])}; make "
        "such a request by hand, read the answer, and correct the view's path, or visible"
        for view in probe.views
        if view.name in run.info.get("unread", ())
        if view.name not in refused and not _is_down(answers[view.name])
    ]
    if not found and answers.get(WRITE) and not flags(run, "requests", "outcome", "ok").any():
        found.append(
            f"no write was a success, what came was {_listed(answers[WRITE])}; make one by hand, read "
            "the answer, and correct [write]"
        )
    return found


def _unread(view: View, statuses: Mapping[str, int]) -> str:
    right = {str(status) for status in view.visible.status}
    return " or ".join(
        f"{_listed([status])} without JSON" if status in right else _listed([status]) for status in statuses
    )


def _is_down(statuses: Mapping[str, int]) -> bool:
    """Whether there was no answer but that the server cannot answer: that is the system's own failing."""
    return all(status == "none" or status.startswith("5") for status in statuses)


def _listed(statuses: Iterable[str]) -> str:
    return " or ".join("no answer" if status == "none" else status for status in statuses)


# -- in words ------------------------------------------------------------------------------------------


def probe_sentence(summary: Mapping[str, Any], verdict: Verdict) -> str:
    """What the probe has found, in one sentence that ends in a full stop."""
    client = summary["client"]
    answers = client.get("answers", {})
    parts = [_view(view, lag, answers.get(view, {})) for view, lag in client["lag_s"].items() if lag["count"]]
    point = "; ".join(parts) or "no write was acknowledged that could be looked for"
    return f"{point[0].upper()}{point[1:]}{_unwell(client)}{outcome(verdict)}."


def _view(view: str, lag: Mapping[str, Any], answers: Mapping[str, int]) -> str:
    seen = lag["count"] - lag["censored"]
    if not seen:
        down = f", from which {_listed(answers)} came" if answers and _is_down(answers) else ""
        return f"none of {lag['count']:,} writes was seen through {view}{down}"
    half = f"half of {lag['count']:,} writes could be read through {view} within {duration(lag['p50'])}"
    if lag["censored"]:
        return f"{half}, and {lag['censored']:,} {'was' if lag['censored'] == 1 else 'were'} never seen"
    return f"{half}, 99 % within {duration(lag['p99'])} and all within {duration(lag['max'])}"


def _unwell(client: Mapping[str, Any]) -> str:
    told = [
        f"{ended[name]:,} of {sum(ended.values()) - ended['dropped']:,} {request} {name}"
        for request, ended in client["requests"].items()
        for name in ("rejected", "failed")
        if ended[name]
    ]
    return f"; {', '.join(told)}" if told else ""
