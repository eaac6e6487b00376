"""The scenario file: TOML to a `Scenario` and back.

`read` checks all that can be known without running; what is wrong is a `ScenarioError` with the file, the
key, the value and the cure. Patterns of faults become plain faults, a preset becomes the keys it stands for.
`dumps` writes every default out, and `loads` gives back an equal scenario.

>>> scenario = loads('name = "quiet"', source="quiet.toml", folder=Path())
>>> loads(dumps(scenario), source="copy.toml", folder=Path()) == scenario
True
"""

import math
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

from actors import policy as policies
from actors.policy import ConsumerPolicy, Policy, Retry
from scenarios import arrivals, distributions, expectations, faultkinds, names, patterns, presets
from scenarios import fields as fields_of
from scenarios.arrivals import Arrivals, Closed, Nothing
from scenarios.data import write_numbers
from scenarios.distributions import Distribution
from scenarios.errors import ScenarioError, listed, nearest, quoted, unknown
from scenarios.needs import lacking
from scenarios.population import MOST_NUMBERS, MOST_PRODUCTS, Population, parse_popularity, parse_span
from scenarios.scenario import Expect, Fault, LinkOrder, Load, Phases, Scenario
from scenarios.section import Section, as_duration, as_scalars, as_text, as_whole, document
from scenarios.values import format_duration, format_rate, parse_rate

T = TypeVar("T")

MOST_OCCURRENCES = 1_000_000
"""A fault must not come again more often than this in a run."""

_TOP = (
    *(
        "name",
        "question",
        "seed",
        "expected_verdict",
        "phases",
        "population",
        "load",
        "policy",
        "time",
        "link",
    ),
    *("fault", "expect"),
)
_PHASES = tuple(field.name for field in fields(Phases))
_POPULATION = tuple(field.name for field in fields(Population))
_LOAD = tuple(field.name for field in fields(Load))
_RETRY = tuple(field.name for field in fields(Retry))
_CONSUMER = tuple(field.name for field in fields(ConsumerPolicy))
_POLICY = tuple(field.name for field in fields(Policy) if field.name not in ("consumer", "overrides"))
_FAULT = (
    *("kind", "on", "at", "for", "every", "enabled", "p", "first", "nth", "where", "by", "to", "form", "set"),
    "most",
)
_MOST_STOCK = 2**53
_NO_TIME: Distribution = distributions.Constant(0.0)


def read(path: Path, settings: Sequence[str] = (), seed: int | None = None) -> Scenario:
    """The scenario in the file, with settings such as `policy.join=placeholder` put over it."""
    text = text_of(path, "a scenario file")
    return loads(text, source=str(path), folder=path.parent, settings=settings, seed=seed)


def text_of(path: Path, what: str) -> str:
    """The text of a file, which should be `what`.

    Raises:
        ScenarioError: it cannot be read, or is no UTF-8.

    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror}); write the path of {what}.") from None
    except UnicodeDecodeError as error:
        raise ScenarioError(
            f"{path}: is not UTF-8 text (at byte {error.start}); save the file as UTF-8."
        ) from None


def loads(
    text: str, *, source: str, folder: Path, settings: Sequence[str] = (), seed: int | None = None
) -> Scenario:
    """The scenario in the text; `source` names it in errors, `folder` holds its data files."""
    table = table_of(text, source=source, settings=settings)
    if seed is not None:
        table["seed"] = seed
    return _scenario(Section(source, "", table, _TOP), folder)


def read_fault(table: Mapping[str, Any], *, source: str) -> Fault:
    """One fault, from a table with the keys of `[[fault]]`; it stands alone, beside no data file."""
    return _fault(Section(source, "fault", table, _FAULT), Phases(run=math.inf), Path(os.devnull))


def table_of(text: str, *, source: str, settings: Sequence[str] = ()) -> dict[str, Any]:
    """The TOML table in the text with the settings put over it; nothing in it is checked yet."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        lines = text.split("\n")
        end = f"at line {len(lines)}, column {len(lines[-1]) + 1}"
        problem = str(error).replace("at end of document", end)
        raise ScenarioError(f"{source}: is not TOML: {problem}; correct that place.") from None
    for setting in settings:
        _set(table, setting, source)
    return table


def write(path: Path, scenario: Scenario) -> None:
    """Write the scenario with every default, and its data files beside it, so that `read` gives it back."""
    for file, numbers in data_files(scenario).items():
        write_numbers(file, path.parent, numbers)
    path.write_text(dumps(scenario), encoding="utf-8")


def data_files(scenario: Scenario) -> dict[str, tuple[float, ...]]:
    """The data files that the scenario refers to, and their numbers."""
    loads_ = (getattr(scenario.load, name) for name in _LOAD)
    of_faults = (value for fault in scenario.faults for value in (fault.every, fault.length, fault.by))
    found: dict[str, tuple[float, ...]] = {}
    for part in (*loads_, *scenario.time.values(), *scenario.link.values(), *of_faults):
        if isinstance(part, Arrivals | Distribution):
            found.update(part.files)
    return found


# -- settings ------------------------------------------------------------------------------------------


def _set(table: dict[str, Any], setting: str, source: str) -> None:
    """Put one `key=value` into the table, making the tables on the way to it."""
    key, equals, text = setting.partition("=")
    steps = [step.strip() for step in key.split(".")]
    if not equals or not all(steps):
        raise ScenarioError(
            f'{source}: the setting {quoted(setting)} is not of the form "key=value"; '
            'write it like "policy.join=placeholder".'
        )
    place: Any = table
    for depth, step in enumerate(steps):
        last = depth == len(steps) - 1
        if isinstance(place, list):
            if not step.isdecimal() or int(step[:9]) >= len(place):
                held = f"numbers 0 to {len(place) - 1}" if place else "none to set"
                raise ScenarioError(
                    f"{source}: the setting {quoted(setting)}: there is no {'.'.join(steps[: depth + 1])}; "
                    f"the scenario has {held}."
                )
            index: Any = int(step)
        elif isinstance(place, dict):
            index = step
        else:
            raise ScenarioError(
                f"{source}: the setting {quoted(setting)}: {'.'.join(steps[:depth])} is a single value; "
                f"write {quoted('.'.join(steps[:depth]) + '=' + text)}."
            )
        if last:
            place[index] = _setting_value(text.strip())
        elif isinstance(place, dict):
            place = place.setdefault(index, [] if step in ("fault", "expect") else {})
        else:
            place = place[index]


def _setting_value(text: str) -> Any:
    """The text as a TOML value if it is one, else as a plain text."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if len(parsed) == 1 and "\n" not in text else text


# -- reading -------------------------------------------------------------------------------------------


def _scenario(top: Section, folder: Path) -> Scenario:
    phases = _phases(top.section("phases", _PHASES))
    policy = top.section("policy", ("preset", *_POLICY, *_CONSUMER, *names.CONSUMERS))
    link = top.section("link", _link_keys(top))
    order: LinkOrder = link.word("order", "fifo", ("fifo", "free"))
    if "name" not in top.table:
        raise top.missing("name", '"my-scenario"')
    faults = [(row, _fault(row, phases, folder)) for row in top.rows("fault", _FAULT)]
    expects = [(row, _expect(row)) for row in top.rows("expect", ("when", "that"))]
    scenario = Scenario(
        name=top.text("name", "", parse_name, "my-scenario"),
        question=top.text("question", "", str, "How long …?"),
        seed=top.whole("seed", 1, 0),
        expected_verdict=top.word("expected_verdict", "pass", names.VERDICTS),
        phases=phases,
        population=_population(top.section("population", _POPULATION)),
        load=_load(top.section("load", _LOAD), folder),
        preset=policy.word("preset", "", names.PRESETS) or None,
        policy=_policy(policy, _preset(policy)),
        time=_times(top.section("time", _time_keys(top)), names.TIMES, folder),
        link=_times(link, names.LINKS, folder),
        link_order=order,
        faults=tuple(fault for _, fault in faults),
        expect=tuple(expect for _, expect in expects),
    )
    _check_closed_loops(top, scenario)
    for row, fault in faults:
        _check_load(row, fault, scenario)
    for row, expect in expects:
        _check_measurable(row, expect, scenario)
    return replace(scenario, faults=patterns.expand(faults, scenario.seed, phases.run))


def parse_name(text: str) -> str:
    """The text, which must do as the name of a folder on any system."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", text):
        raise ScenarioError(
            "is not a name; write lower-case letters, digits and hyphens, such as "
            + quoted(re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "my-scenario")
            + "."
        )
    return text


def _phases(section: Section) -> Phases:
    default = Phases()
    return Phases(
        warm=section.duration("warm", default.warm),
        run=section.duration("run", default.run, above_zero=True),
        settle=section.duration("settle", default.settle),
    )


def _population(section: Section) -> Population:
    default = Population()
    population = Population(
        customers=section.whole("customers", default.customers, 1, MOST_NUMBERS),
        products=section.whole("products", default.products, 1, MOST_PRODUCTS),
        popularity=section.text("popularity", default.popularity, parse_popularity, "zipf(1.1)"),
        lines=section.text("lines", default.lines, parse_span, "1..3"),
        quantity=section.text("quantity", default.quantity, parse_span, "1..2"),
        stock=section.whole("stock", default.stock, 0, _MOST_STOCK),
    )
    if population.lines.high > population.products:
        key = "lines" if "lines" in section.table else "products"
        raise section.fail(
            key,
            f"an order of {population.lines.high} lines names more products than there are; "
            f'write products = {population.lines.high} or lines = "1..{population.products}".',
        )
    return population


def _load(section: Section, folder: Path) -> Load:
    def own_read(value: Any) -> Distribution | Nothing:
        return Nothing() if value == "none" else _distribution(value, folder)

    kinds: dict[str, Any] = {
        name: section.text(name, Nothing(), lambda text: arrivals.parse(text, folder), "poisson(20/s)")
        for name in names.LOADS
    }
    return Load(**kinds, own_read=section.read("own_read", Nothing(), own_read))


def _preset(section: Section) -> Policy:
    """What the preset that the section names stands for; without one the defaults."""
    name: str = section.word("preset", "", names.PRESETS)
    if not name:
        return Policy()
    source = str(presets.find(name))
    return _policy(Section(source, "policy", presets.table(name), (*_POLICY, *_CONSUMER)), Policy())


def _policy(section: Section, base: Policy) -> Policy:
    """The policy's keys in this table; the others as in `base`."""
    consumer = _consumer(section, base.consumer)
    return Policy(
        publish=section.word("publish", base.publish, get_args(policies.Publish)),
        poll=section.duration("poll", base.poll),
        redeliver=section.duration("redeliver", base.redeliver, above_zero=True),
        stock=section.word("stock", base.stock, get_args(policies.StockCheck)),
        read=section.word("read", base.read, get_args(policies.Read)),
        read_timeout=section.duration("read_timeout", base.read_timeout),
        consumer=consumer,
        overrides={
            name: _consumer(section.section(name, _CONSUMER), consumer)
            for name in names.CONSUMERS
            if name in section.table
        },
    )


def _consumer(section: Section, base: ConsumerPolicy) -> ConsumerPolicy:
    """The consumer's keys in this table; the others as in `base`."""

    def restart(value: Any) -> float | None:
        if value == "never":
            return None
        if isinstance(value, str) and value.strip().isalpha():
            raise unknown(value, "a duration", ["never", "1s"])
        return as_duration(value)

    return ConsumerPolicy(
        join=section.word("join", base.join, get_args(policies.Join)),
        checkpoint=section.word("checkpoint", base.checkpoint, get_args(policies.CheckpointWhen)),
        checkpoint_every=section.whole("checkpoint_every", base.checkpoint_every, 1),
        idempotent=section.flag("idempotent", base.idempotent),
        on_error=section.word("on_error", base.on_error, get_args(policies.OnError)),
        retry=_retry(section.section("retry", _RETRY), base.retry),
        partitions=section.whole("partitions", base.partitions, 1, 10_000),
        partition_by=section.word("partition_by", base.partition_by, get_args(policies.PartitionBy)),
        replicas=section.whole("replicas", base.replicas, 1, 10_000),
        inbox=section.whole("inbox", base.inbox, 0),
        overflow=section.word("overflow", base.overflow, get_args(policies.Overflow)),
        restart=section.read("restart", base.restart, restart),
        replay=section.duration("replay", base.replay),
    )


def _retry(section: Section, base: Retry) -> Retry:
    return Retry(  # a wait of nothing would be tries without end at one instant
        first=section.duration("first", base.first, above_zero=True),
        factor=section.number("factor", base.factor, 1),
        cap=section.duration("cap", base.cap, above_zero=True),
        attempts=section.whole("attempts", base.attempts, 0),
        jitter=section.number("jitter", base.jitter, 0, 1),
        then=section.word("then", base.then, get_args(policies.AfterRetries)),
        in_line=section.flag("in_line", base.in_line),
    )


def _time_keys(top: Section) -> list[str]:
    return _meant(top.table.get("time"), names.TIMES)


def _link_keys(top: Section) -> list[str]:
    return ["order", *_meant(top.table.get("link"), names.LINKS)]


def _meant(table: Any, valid: Sequence[str]) -> list[str]:
    """The valid names, and the keys of the table that are patterns of them."""
    keys = table if isinstance(table, dict) else {}
    return [*valid, *(key for key in keys if key not in valid and names.matching(key, valid))]


def _times(section: Section, valid: Sequence[str], folder: Path) -> dict[str, Distribution]:
    """The distribution of each name; a name written out beats a pattern, a later pattern an earlier one."""
    found: dict[str, Distribution] = {}
    for exact in (False, True):
        for key in section.table:
            if key == "order" or (key in valid) is not exact:
                continue
            for name in names.matching(key, valid):
                found[name] = section.read(key, _NO_TIME, lambda value: _distribution(value, folder))
    return found


def _expect(row: Section) -> Expect:
    if "that" not in row.table:
        raise row.missing("that", '["no lost"]')
    return Expect(
        when=row.word("when", "run", names.WHENS),
        that=row.read("that", (), lambda value: claims(value, expectations.parse)),
    )


def claims(value: Any, parse: Callable[[str], T]) -> tuple[T, ...]:
    """What `parse` makes of each text of a list, which must not be empty."""
    if not isinstance(value, list) or not value:
        raise ScenarioError(
            'is not a list of expectations; write it like ["lag.p99{summary} < 2s", "no lost"].'
        )
    return tuple(parse(as_text(item, "no lost")) for item in value)


# -- faults --------------------------------------------------------------------------------------------

_EXAMPLES = {
    "for": '"30s"',
    "every": '"exp(10s)"',
    "p": "0.1",
    "first": "3",
    "nth": "42",
    "set": "{ quantity = 0 }",
    "most": "1",
}
_ON_EXAMPLES = {
    "node": '"summary"',
    "store": '"store:products"',
    "link": '"orders->summary"',
    "message": '"message:OrderPlaced"',
    "load": '"load:orders"',
}
_BY_EXAMPLES = {
    "factor": "3.0",
    "duration": '"1s"',
    "signed duration": '"-2s"',
    "distribution": '"exp(10ms)"',
}
_TO_EXAMPLES = {"count": "10", "rate": '"20/s"'}


def _fault(row: Section, phases: Phases, folder: Path) -> Fault:
    if "kind" not in row.table:
        raise row.missing("kind", '"unavailable"')
    name: str = row.word("kind", "", faultkinds.KINDS)
    kind = faultkinds.KINDS[name]
    example = _ON_EXAMPLES[kind.targets[0]]
    if "on" not in row.table:
        raise row.missing("on", example)
    on = row.text("on", "", lambda text: _on(text, name, kind), example.strip('"'))
    _check_fields(row, name, kind)
    length = row.read("for", None, lambda value: _distribution(value, folder))
    constant = isinstance(length, distributions.Constant)
    fault = Fault(
        kind=name,
        on=on,
        at=row.duration("at", None),
        for_=length.value if isinstance(length, distributions.Constant) else None,
        every=row.read("every", None, lambda value: _distribution(value, folder)),
        length=None if constant else length,
        p=row.number("p", None, 0, 1),
        first=row.whole("first", None, 1),
        nth=row.whole("nth", None, 1),
        where=row.read("where", None, lambda value: _fields(value, name, on, fields_of.matchable)),
        by=row.read("by", None, lambda value: _by(value, kind, folder)),
        to=row.read("to", None, lambda value: _to(value, kind)),
        form=row.word("form", "", kind.forms) if kind.forms else None,
        set=row.read("set", None, lambda value: _fields(value, name, on, fields_of.settable)),
        most=row.whole("most", None, 1),
        enabled=row.flag("enabled", True),
    )
    if fault.at is not None and fault.at >= phases.run:
        last = format_duration(phases.run)
        raise row.fail(
            "at", f"is not within the run phase; write a time before its end at {last} (phases.run)."
        )
    if fault.every is not None and name != "rolling":  # there it is a gap, and nothing comes again
        lasts = length.mean if length is not None else 0.0
        if phases.run > MOST_OCCURRENCES * (fault.every.mean + lasts):
            raise row.fail("every", 'comes again without end; write a longer time, such as "exp(10s)".')
    return fault


def _on(text: str, name: str, kind: faultkinds.FaultKind) -> str:
    if not faultkinds.targets(name, text):
        valid = [target for group in kind.targets for target in kind.acts_on(group)]
        groups = " or ".join(kind.targets)
        raise ScenarioError(
            f"{quoted(text)} is not a {groups}, which {quoted(name)} acts on; the nearest is "
            f"{quoted(nearest(text, valid))}. Write one of {listed(valid)}, or a pattern with *."
        )
    return text


def _fields(
    value: Any, kind: str, on: str, of: Callable[[str], Iterable[str]]
) -> dict[str, str | int | float | bool]:
    """A table of fields that what the fault acts on may have."""
    table = as_scalars(value)
    valid = list(dict.fromkeys(field for target in faultkinds.targets(kind, on) for field in of(target)))
    for field in table:
        if field not in valid:
            raise unknown(field, f"a field of what {quoted(kind)} on {quoted(on)} concerns", valid)
    return table


def _check_fields(row: Section, name: str, kind: faultkinds.FaultKind) -> None:
    examples = _EXAMPLES | {
        "by": _BY_EXAMPLES.get(kind.by or "", ""),
        "to": _TO_EXAMPLES.get(kind.to or "", ""),
        "form": f"{quoted(kind.forms[0])}" if kind.forms else "",
    }
    for key in row.table:
        if key not in kind.fields:
            raise row.fail(
                key,
                f"{quoted(key)} does not apply to {quoted(name)}; the nearest that does is "
                f"{quoted(nearest(key, kind.fields))}. Leave it out, or write one of "
                f"{', '.join(kind.fields)}.",
            )
    for key in kind.required:
        if key not in row.table:
            raise row.missing(key, f"{examples[key]} (the kind {quoted(name)} needs it)")
    if kind.any_of and not any(key in row.table for key in kind.any_of):
        key = kind.any_of[0]
        others = " or ".join(kind.any_of[1:])
        raise row.missing(key, f"{examples[key]}, or {others} (the kind {quoted(name)} needs one of them)")
    if row.table.get("form") == "wrong" and "set" not in row.table:
        raise row.missing("set", f'{examples["set"]} (the form "wrong" needs it)')
    if kind.forms and row.table.get("form") != "wrong" and "set" in row.table:
        raise row.fail("set", 'is for the form "wrong"; write form = "wrong", or leave it out.')
    if "every" in row.table and "for" not in row.table:
        raise row.missing("for", '"10s" (a fault with `every` needs it)')


def _distribution(value: Any, folder: Path) -> Distribution:
    if isinstance(value, int | float) and not isinstance(value, bool):
        as_duration(value)
    return distributions.parse(as_text(value, "30s"), folder)


def _by(value: Any, kind: faultkinds.FaultKind, folder: Path) -> float | Distribution:
    if kind.by == "distribution":
        return _distribution(value, folder)
    if kind.by == "factor":
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise ScenarioError("is not a factor; write a number above 0, such as 3.0.")
        return float(value)
    return as_duration(value, negative=kind.by == "signed duration")


def _to(value: Any, kind: faultkinds.FaultKind) -> int | float:
    if kind.to == "rate":
        rate = parse_rate(as_text(value, "20/s"))
        if rate == 0:
            raise ScenarioError('lets nothing pass; write a rate above 0, such as "20/s", or kind = "hold".')
        return rate
    return as_whole(value, 1)


_ANSWERING: Mapping[str, tuple[str, ...]] = {
    "orders": ("orders", "store:orders"),
    "checkouts": ("carts", "store:carts"),
    "history": ("store:summary",),
    "stock": ("store:inventory",),
    "browse": ("store:products",),
    "restock": ("inventory", "store:inventory"),
    "catalogue": ("catalog", "store:catalog"),
}
"""Whose times an answer to each load takes at least."""


def _check_closed_loops(top: Section, scenario: Scenario) -> None:
    """A user who waits for nothing would ask without end at one instant."""
    for load in names.LOADS:
        closed = getattr(scenario.load, load)
        if not isinstance(closed, Closed) or not closed.think.zero:
            continue
        takes_time = any(name in scenario.time and not scenario.time[name].zero for name in _ANSWERING[load])
        if not takes_time or scenario.faults or scenario.policy.of("orders").inbox:
            why = "takes no time" if not takes_time else "takes no time when it is refused"
            raise top.section("load", _LOAD).fail(
                load,
                f"has no think time, and an answer {why}, which is requests without end at one instant; "
                f'write "closed({closed.users}, 1ms)".',
            )


def _check_load(row: Section, fault: Fault, scenario: Scenario) -> None:
    """A fault on a load needs one."""
    loads_ = [name.removeprefix("load:") for name in fault.targets if name.startswith("load:")]
    if loads_ and all(isinstance(getattr(scenario.load, name), Nothing) for name in loads_):
        raise row.fail("on", f'there is no such load; write load.{loads_[0]} = "poisson(20/s)".')


def _check_measurable(row: Section, expect: Expect, scenario: Scenario) -> None:
    """An expectation needs something to measure."""
    for item in expect.that:
        lack = lacking(item, scenario, expect.when) if isinstance(item, expectations.Expectation) else None
        if lack is not None:
            problem = f"{quoted(item.text)} measures nothing: {lack}, or leave the expectation out."
            raise row.fail("that", problem)


# -- writing -------------------------------------------------------------------------------------------


def dumps(scenario: Scenario) -> str:
    """The scenario as TOML with every default written out."""
    phases, people, policy = scenario.phases, scenario.population, scenario.policy
    consumer = _consumer_table(policy.consumer)
    sections: list[tuple[str, dict[str, Any]]] = [
        (
            "",
            {
                "name": scenario.name,
                "question": scenario.question,
                "seed": scenario.seed,
                "expected_verdict": scenario.expected_verdict,
            },
        ),
        ("[phases]", {name: format_duration(getattr(phases, name)) for name in _PHASES}),
        (
            "[population]",
            {
                name: value if isinstance(value := getattr(people, name), int) else str(value)
                for name in _POPULATION
            },
        ),
        ("[load]", {name: str(getattr(scenario.load, name)) for name in _LOAD}),
        ("[policy]", {"preset": scenario.preset} | _policy_table(policy) | consumer),
        *((f"[policy.{name}]", _consumer_table(override)) for name, override in policy.overrides.items()),
        ("[time]", {name: str(time) for name, time in scenario.time.items()}),
        (
            "[link]",
            {name: str(delay) for name, delay in scenario.link.items()} | {"order": scenario.link_order},
        ),
        *(("[[fault]]", _fault_table(fault)) for fault in scenario.faults),
        *(("[[expect]]", {"when": e.when, "that": [item.text for item in e.that]}) for e in scenario.expect),
    ]
    return document(sections)


def _policy_table(policy: Policy) -> dict[str, Any]:
    return {
        name: format_duration(value) if isinstance(value := getattr(policy, name), float) else value
        for name in _POLICY
    }


def _consumer_table(consumer: ConsumerPolicy) -> dict[str, Any]:
    retry = consumer.retry
    return {name: getattr(consumer, name) for name in _CONSUMER} | {
        "retry": {name: getattr(retry, name) for name in _RETRY}
        | {"first": format_duration(retry.first), "cap": format_duration(retry.cap)},
        "restart": "never" if consumer.restart is None else format_duration(consumer.restart),
        "replay": format_duration(consumer.replay),
    }


def _fault_table(fault: Fault) -> dict[str, Any]:
    kind = faultkinds.KINDS[fault.kind]
    length = fault.length if fault.for_ is None else distributions.Constant(fault.for_)
    by: Any = fault.by
    if isinstance(by, Distribution):
        by = str(by)
    elif by is not None and kind.by != "factor":
        by = format_duration(by)
    return {
        "kind": fault.kind,
        "on": fault.on,
        "at": None if fault.at is None else format_duration(fault.at),
        "for": None if length is None else str(length),
        "every": None if fault.every is None else str(fault.every),
        "enabled": None if fault.enabled else False,
        "p": fault.p,
        "first": fault.first,
        "nth": fault.nth,
        "where": _as_plain(fault.where),
        "by": by,
        "to": format_rate(fault.to) if kind.to == "rate" and fault.to is not None else fault.to,
        "form": fault.form,
        "set": _as_plain(fault.set),
        "most": fault.most,
    }


def _as_plain(table: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if table is None else dict(table)
