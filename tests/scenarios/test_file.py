import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.policy import ConsumerPolicy, Policy, Retry
from scenarios import distributions as d
from scenarios import faultkinds, names
from scenarios.arrivals import Closed, Every, Nothing, Poisson, Ramp, Renewal
from scenarios.errors import ScenarioError
from scenarios.expectations import parse as claim
from scenarios.fields import matchable, settable
from scenarios.file import dumps, loads, read, write
from scenarios.population import Population, Span, Uniform, Zipf
from scenarios.scenario import Expect, Fault, Load, Phases, Scenario

EXAMPLE = """
name = "products-outage"
question = "If the Products read model is down for 30 s, for how long do customers miss their orders?"
seed = 1
expected_verdict = "pass"

[phases]
warm = "30s"
run = "5m"
settle = "60s"

[population]
customers = 500
products = 100
popularity = "zipf(1.1)"
lines = "1..3"
quantity = "1..2"
stock = 1000000

[load]
orders = "poisson(20/s)"
checkouts = "none"
history = "poisson(40/s)"
own_read = "exp(500ms)"

[policy]
publish = "outbox"
poll = "0s"
stock = "view"
join = "wait"
retry = { first = "50ms", factor = 2.0, cap = "5s", attempts = 0, jitter = 0.0, then = "park" }
restart = "1s"
[policy.summary]
join = "placeholder"
retry = { first = "10ms" }

[time]
orders = "lognormal(2ms, p99 10ms)"
"store:products" = "exp(1ms)"
checkpoint = "0s"

[link]
"orders->summary" = "exp(2ms)"
order = "fifo"

[[fault]]
kind = "unavailable"
on = "store:products"
at = "1m"
for = "30s"

[[expect]]
when = "run"
that = ["lag.p99{summary} < 45s", "stale_reads{history} < 0.2"]
[[expect]]
when = "always"
that = ["no lost", "no doubled", "stock conserved", "faults fired"]
"""


def scenario(text: str, *set_: str, seed: int | None = None, folder: Path = Path()) -> Scenario:
    return loads(text, source="x.toml", folder=folder, settings=set_, seed=seed)


def example(*set_: str) -> Scenario:
    return scenario(EXAMPLE, *set_)


# -- round trips ---------------------------------------------------------------------------------------

seconds = st.floats(min_value=0, max_value=1e6)
positive = st.floats(min_value=1e-6, max_value=1e6)
counts = st.integers(min_value=1, max_value=10_000)
shares = st.floats(min_value=0, max_value=1)

simple = st.one_of(
    st.builds(d.Constant, seconds),
    st.builds(d.Exponential, seconds),
    st.builds(lambda a, b: d.Uniform(min(a, b), max(a, b)), seconds, seconds),
    st.builds(lambda a, b: d.Lognormal(min(a, b), max(a, b)), positive, positive),
    st.builds(d.Gamma, seconds, st.floats(min_value=1e-6, max_value=1e6)),
    st.builds(d.Erlang, seconds, counts),
    st.builds(d.Hyperexponential, seconds, st.floats(min_value=1, max_value=1e6)),
    st.builds(d.Pareto, positive, positive),
)
times = st.one_of(
    simple,
    st.builds(
        lambda weight, a, b: d.Mix(((weight, a), (1 - weight, b))),
        st.floats(min_value=0.01, max_value=0.99),
        simple,
        simple,
    ),
)
long_times = times.filter(lambda time: time.mean >= 1)
arrivals = st.one_of(
    st.just(Nothing()),
    st.builds(Poisson, positive),
    st.builds(Every, positive),
    st.builds(Renewal, times.filter(lambda time: time.mean > 1e-6)),
    st.builds(Ramp, seconds, positive),
    st.builds(Closed, counts, times.filter(lambda time: not time.zero)),
)
scalars = st.one_of(
    st.text(max_size=5), st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)
)


def some_policy(hints: Any) -> Any:
    return {name: st.sampled_from(words) for name, words in hints.items()}


retries = st.builds(
    Retry,
    first=positive,
    factor=st.floats(min_value=1, max_value=10),
    cap=positive,
    attempts=st.integers(min_value=0, max_value=9),
    jitter=shares,
    then=st.sampled_from(["park", "skip", "stop"]),
    in_line=st.booleans(),
)
consumers = st.builds(
    ConsumerPolicy,
    join=st.sampled_from(["wait", "placeholder", "carried"]),
    checkpoint=st.sampled_from(["with", "after", "before"]),
    checkpoint_every=counts,
    idempotent=st.booleans(),
    on_error=st.sampled_from(["retry", "skip", "park", "park-key", "stop"]),
    retry=retries,
    partitions=counts,
    partition_by=st.sampled_from(["customer", "order", "product", "none"]),
    replicas=counts,
    inbox=counts,
    overflow=st.sampled_from(["reject", "drop", "block"]),
    restart=st.none() | seconds,
    replay=seconds,
)
policies = st.builds(
    Policy,
    publish=st.sampled_from(["outbox", "direct"]),
    poll=seconds,
    redeliver=positive,
    stock=st.sampled_from(["none", "view", "reserve", "saga"]),
    read=st.sampled_from(["eventual", "wait", "write-side"]),
    read_timeout=seconds,
    consumer=consumers,
    overrides=st.dictionaries(st.sampled_from(names.CONSUMERS), consumers, max_size=2),
)


@st.composite
def faults(draw: st.DrawFn, run: float) -> Fault:
    name = draw(st.sampled_from(sorted(name for name, kind in faultkinds.KINDS.items() if not kind.pattern)))
    kind = faultkinds.KINDS[name]
    recurs = draw(st.booleans())
    given_ = {
        field for field in kind.fields if field in (*kind.required, *kind.any_of) or draw(st.booleans())
    }
    length = draw(st.sampled_from(["fixed", "random"] if recurs else ["none", "fixed", "random"]))
    by = {
        "factor": positive,
        "duration": seconds,
        "signed duration": st.floats(-1e6, 1e6),
        "distribution": times,
    }
    form = draw(st.sampled_from(kind.forms)) if kind.forms else None
    if form is not None:
        (given_.add if form == "wrong" else given_.discard)("set")
    on = draw(st.sampled_from([target for group in kind.targets for target in kind.acts_on(group)]))

    def fields(names: tuple[str, ...]) -> dict[str, Any]:
        return draw(st.dictionaries(st.sampled_from(names), scalars, min_size=1, max_size=3))

    return Fault(
        kind=name,
        on=on,
        at=draw(st.none() | st.floats(min_value=0, max_value=run, exclude_max=True)),
        for_=draw(seconds) if length == "fixed" else None,
        every=draw(long_times) if recurs else None,
        length=draw(times.filter(lambda time: not isinstance(time, d.Constant)))
        if length == "random"
        else None,
        p=draw(shares) if "p" in given_ else None,
        first=draw(counts) if "first" in given_ else None,
        nth=draw(counts) if "nth" in given_ else None,
        where=fields(matchable(on)) if "where" in given_ else None,
        by=draw(by[kind.by]) if kind.by and "by" in given_ else None,
        to=draw(counts if kind.to == "count" else positive) if kind.to and "to" in given_ else None,
        form=form,
        set=fields(settable(on)) if "set" in given_ else None,
        enabled=draw(st.booleans()),
    )


claims = st.sampled_from(
    [
        claim(text)
        for text in (
            "lag.p99{summary} < 45s",
            "no lost",
            "converged within 2.5s",
            "visible_within(2s){summary} >= 1",
        )
    ]
)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    run = draw(st.floats(min_value=1, max_value=1e5))
    found = draw(st.lists(faults(run), max_size=3))
    # What a fault or an expectation is about must be there.
    needed = {"orders", *(fault.on.removeprefix("load:") for fault in found)}
    some = arrivals.filter(lambda load: not isinstance(load, Nothing))
    return Scenario(
        name=draw(st.from_regex(r"[a-z0-9][a-z0-9-]{0,10}", fullmatch=True)),
        question=draw(st.text(max_size=20)),
        seed=draw(st.integers(min_value=0, max_value=2**70)),
        expected_verdict=draw(st.sampled_from(["pass", "fail", "unknown"])),
        phases=Phases(warm=draw(positive), run=run, settle=draw(positive)),
        population=Population(
            customers=draw(counts),
            products=draw(st.integers(min_value=3, max_value=1_000_000)),
            popularity=draw(st.just(Uniform()) | st.builds(Zipf, st.floats(min_value=0, max_value=10))),
            lines=draw(st.sampled_from([Span(1, 3), Span(2, 2)])),
            quantity=draw(st.builds(lambda a, b: Span(a, a + b), counts, counts)),
            stock=draw(st.integers(min_value=0, max_value=2**53)),
        ),
        load=Load(
            **{name: draw(some if name in needed else arrivals) for name in names.LOADS},
            own_read=draw(times | st.just(Nothing())),
        ),
        preset=draw(st.none() | st.sampled_from(names.PRESETS)),
        policy=draw(policies),
        time=draw(st.dictionaries(st.sampled_from(names.TIMES), times, max_size=3)),
        link=draw(st.dictionaries(st.sampled_from(names.LINKS), times, max_size=3)),
        link_order=draw(st.sampled_from(["fifo", "free"])),
        faults=tuple(found),
        expect=tuple(
            draw(
                st.lists(
                    st.builds(
                        Expect,
                        when=st.sampled_from(names.WHENS),
                        that=st.lists(claims, min_size=1, max_size=3).map(tuple),
                    ),
                    max_size=2,
                )
            )
        ),
    )


@settings(deadline=None, max_examples=60)
@given(scenarios())
def test_a_scenario_that_is_written_reads_back_as_the_same(written: Scenario) -> None:
    assert scenario(dumps(written)) == written


def test_the_example_of_the_format_is_read_as_it_stands() -> None:
    found = example()
    assert found.name == "products-outage"
    assert found.phases == Phases(warm=30.0, run=300.0, settle=60.0)
    assert found.load.orders == Poisson(20.0)
    assert found.load.own_read == d.Exponential(0.5)
    assert found.time["store:products"] == d.Exponential(0.001)
    assert found.link == {"orders->summary": d.Exponential(0.002)}
    assert found.faults == (Fault(kind="unavailable", on="store:products", at=60.0, for_=30.0),)
    assert found.expect[0].that[0] == claim("lag.p99{summary} < 45s")
    assert scenario(dumps(found)) == found


def test_a_consumer_inherits_what_its_table_does_not_say() -> None:
    policy = example("policy.on_error=park", "policy.retry.cap=7s").policy
    summary = policy.of("summary")
    assert (summary.join, policy.of("inventory").join) == ("placeholder", "wait")
    assert summary.on_error == "park"
    assert (summary.retry.first, summary.retry.cap) == (0.01, 7.0)
    assert policy.of("inventory").retry.first == 0.05


def test_what_a_file_leaves_out_has_the_defaults_of_the_format() -> None:
    assert scenario('name = "quiet"') == Scenario(name="quiet")


def test_every_default_is_written_out() -> None:
    written = tomllib.loads(dumps(Scenario(name="quiet")))
    assert written["phases"] == {"warm": "30s", "run": "5m", "settle": "1m"}
    assert written["load"] == dict.fromkeys((*names.LOADS, "own_read"), "none")
    assert written["population"] == {
        "customers": 500,
        "products": 100,
        "popularity": "zipf(1.1)",
        "lines": "1..3",
        "quantity": "1..2",
        "stock": 1_000_000,
    }
    assert written["policy"]["restart"] == "1s"
    assert written["policy"]["replay"] == "0s"
    assert written["policy"]["retry"] == {
        "first": "50ms",
        "factor": 2.0,
        "cap": "5s",
        "attempts": 0,
        "jitter": 0.0,
        "then": "park",
        "in_line": True,
    }
    assert written["link"] == {"order": "fifo"}


def test_a_fault_without_a_start_is_written_with_the_one_it_has() -> None:
    fault = {"kind": "pause", "on": "summary"}
    found = replace(Scenario(name="x"), faults=(Fault(**fault),))  # type: ignore[arg-type]
    assert tomllib.loads(dumps(found))["fault"] == [fault | {"at": "0s"}]


def test_never_to_restart_is_a_word() -> None:
    never = example("policy.restart=never")
    assert never.policy.consumer.restart is None
    assert 'restart = "never"' in dumps(never)


def test_a_file_and_its_data_can_be_written_elsewhere_and_read_again(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    (here / "data").mkdir()
    (here / "data" / "service.csv").write_text("0.1\n0.30000000000000004\n")
    (here / "at.csv").write_text("1\n2\n")
    path = here / "x.toml"
    path.write_text(
        'name = "x"\n[load]\norders = "trace(at.csv)"\n'
        '[time]\nsummary = "mix(0.5: empirical(data/service.csv), 0.5: 1ms)"\n'
    )
    found = read(path)
    write(there / "y.toml", found)
    assert read(there / "y.toml") == found
    write(path, found)
    assert (here / "at.csv").read_text() == "1\n2\n"
    (there / "at.csv").write_text("5\n")
    with pytest.raises(ScenarioError, match="holds other numbers"):
        write(there / "z.toml", found)


def test_a_link_pattern_sets_each_link_and_gives_way_to_a_name() -> None:
    link = '[link]\n"orders->summary" = "1ms"\n"orders->*" = "2ms"\n"inventory--orders" = "3ms"'
    assert scenario(f'name = "x"\n{link}').link == {
        "orders->summary": d.Constant(0.001),
        "orders->inventory": d.Constant(0.003),
        "inventory->orders": d.Constant(0.003),
    }


# -- settings ------------------------------------------------------------------------------------------


def test_settings_are_put_over_the_file() -> None:
    found = example(
        "policy.join=placeholder",
        "load.orders=poisson(50/s)",
        "policy.summary.join=carried",
        "phases.run=90s",
        "fault.0.for=10s",
        "policy.partitions=4",
        "policy.idempotent=false",
        'expect.1.that=["no phantom"]',
        "time.store:summary=2ms",
        "link.catalog->products=4ms",
        "policy.inventory.checkpoint=after",
    )
    assert found.policy.consumer.join == "placeholder"
    assert found.policy.of("summary").join == "carried"
    assert found.policy.of("inventory").checkpoint == "after"
    assert found.load.orders == Poisson(50.0)
    assert found.phases.run == 90.0
    assert found.faults[0].for_ == 10.0
    assert found.policy.consumer.partitions == 4
    assert not found.policy.consumer.idempotent
    assert found.expect[1].that == (claim("no phantom"),)
    assert found.time["store:summary"] == d.Constant(0.002)
    assert found.link["catalog->products"] == d.Constant(0.004)


def test_a_seed_that_is_given_beats_the_file() -> None:
    assert scenario(EXAMPLE, "seed=5").seed == 5
    assert scenario(EXAMPLE, "seed=5", seed=9).seed == 9


@pytest.mark.parametrize(
    ("setting", "parts"),
    [
        ("polcy.join=wait", ["polcy", '"policy"']),
        ("policy.joyn=wait", ["policy.joyn", '"wait"', '"join"']),
        ("policy.join=wate", ["policy.join", '"wate"', '"wait"']),
        ("policy.join", ['"policy.join"', "key=value"]),
        ("fault.3.for=10s", ["there is no fault.3", "numbers 0 to 0"]),
        ("seed.x=1", ["seed is a single value", "seed=1"]),
        ("phases.run=10", ["phases.run", '"10s"']),
        ("seed=many", ["seed", '"many"', "whole number"]),
    ],
)
def test_a_wrong_setting_is_refused_like_a_wrong_file(setting: str, parts: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        example(setting)
    assert all(part in str(caught.value) for part in ["x.toml", *parts])


# -- errors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        # unknown keys and words
        ("sed = 1", ["sed = 1", 'the nearest is "seed"']),
        ('[load]\noders = "poisson(2/s)"', ["load.oders", "poisson(2/s)", 'the nearest is "orders"']),
        ('[policy.sumary]\njoin = "wait"', ["policy.sumary", 'the nearest is "summary"']),
        ('[policy.summary]\njion = "wait"', ["policy.summary.jion", '"wait"', 'the nearest is "join"']),
        ('[policy.summary]\npublish = "direct"', ["policy.summary.publish", '"direct"']),
        ('[policy]\njoin = "placehoder"', ["policy.join", '"placehoder"', '"placeholder"', '"carried"']),
        ('[policy]\nretry = { frist = "1s" }', ["policy.retry.frist", '"first"']),
        ('[policy]\npreset = "textbok"', ["policy.preset", '"textbook-outbox"']),
        ('expected_verdict = "passed"', ["expected_verdict", '"passed"', '"pass"']),
        ('[time]\nsumary = "1ms"', ["time.sumary", '"1ms"', '"summary"']),
        ('[time]\n"store:product" = "1ms"', ["time.store:product", '"store:products"']),
        ('[link]\n"order->summary" = "1ms"', ["link.order->summary", '"orders->summary"']),
        ('[link]\norder = "lifo"', ["link.order", '"lifo"', '"fifo"']),
        ('[load]\norders = "poison(2/s)"', ["load.orders", '"poison(2/s)"', '"poisson"']),
        ('[[expect]]\nthat = ["no losses"]', ["expect.0.that", "no losses", '"no lost"']),
        ('[[expect]]\nwhen = "allways"\nthat = ["no lost"]', ["expect.0.when", '"always"']),
        # types and units
        ("[phases]\nrun = 30", ["phases.run = 30", 'write "30s"']),
        ('[phases]\nrun = "30"', ["phases.run", 'write "30s"']),
        ("[phases]\nrun = true", ["phases.run = true", "a text should"]),
        ('[phases]\nrun = "0s"', ["phases.run", '"0s"', "above 0s"]),
        ('[phases]\nwarm = "-1s"', ["phases.warm", '"-1s"', "negative"]),
        ("[time]\norders = 2", ["time.orders = 2", 'write "2s"']),
        ("seed = true", ["seed = true", "whole number"]),
        ("seed = 1.5", ["seed = 1.5", "whole number"]),
        ("seed = -1", ["seed = -1", "at least 0"]),
        ("[policy]\nidempotent = 1", ["policy.idempotent = 1", "idempotent = true"]),
        ("[policy]\npartitions = 0", ["policy.partitions = 0", "from 1"]),
        ("[policy]\nretry = { jitter = 1.5 }", ["policy.retry.jitter = 1.5", "from 0 to 1"]),
        ("[policy]\nretry = { factor = nan }", ["policy.retry.factor = nan", "at least 1"]),
        ('[policy]\nretry = { first = "0s" }', ["policy.retry.first", "above 0s"]),
        ('[policy]\nredeliver = "0s"', ["policy.redeliver", "above 0s"]),
        ("[policy]\nrestart = 1", ["policy.restart = 1", 'write "1s"']),
        ('[policy]\nrestart = "nevr"', ["policy.restart", '"nevr"', '"never"']),
        ('[policy]\nsummary = "wait"', ["policy.summary", "[policy.summary]"]),
        ('phases = "5m"', ["phases", "[phases]"]),
        ("[population]\nlines = 2", ["population.lines = 2", '"1..3"']),
        (
            '[population]\nlines = "1..9"\nproducts = 5',
            ["population.lines", "more products than there are", '"1..5"'],
        ),
        ("[population]\nproducts = 2", ["population.products = 2", "products = 3"]),
        ("[population]\nstock = -1", ["population.stock = -1", "from 0"]),
        ('[load]\nown_read = "expo(1s)"', ["load.own_read", '"expo(1s)"', '"exp"']),
        ('[load]\norders = "poisson(0/s)"', ["load.orders", '"poisson(0/s)"', '"none"']),
        ('[load]\norders = "closed(5, 0s)"', ["load.orders", "without end", '"closed(5, 1ms)"']),
        ('[load]\nhistory = "closed(5, 0s)"', ["load.history", "without end", '"closed(5, 1ms)"']),
        (
            '[load]\norders = "closed(5, 0s)"\n[time]\norders = "1ms"\n[[fault]]\nkind = "cut"\non = "*"',
            ["load.orders", "when it is refused"],
        ),
        ('[load]\norders = "trace(no.csv)"', ["load.orders", "no.csv", "cannot be read"]),
        ("fault = 1", ["fault = 1", "[[fault]]"]),
        ('[fault]\nkind = "cut"', ["fault", "[[fault]]"]),
        ("[[expect]]\nthat = []", ["expect.0.that", "not a list of expectations"]),
        ('[[expect]]\nwhen = "run"', ["expect.0.that", "is missing", '["no lost"]']),
        ("[[expect]]\nthat = [1]", ["expect.0.that", "a text should"]),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_its_cure(text: str, parts: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(f'name = "x"\n{text}')
    assert all(part in str(caught.value) for part in ["x.toml: ", *parts]), str(caught.value)


@pytest.mark.parametrize(
    ("row", "parts"),
    [
        ('on = "summary"', ["fault.0.kind", "is missing"]),
        ('kind = "pause"', ["fault.0.on", "is missing", 'write on = "summary"']),
        ('kind = "error"\np = 1', ["fault.0.on", 'write on = "store:products"']),
        ('kind = "delay"\nby = "1s"', ["fault.0.on", 'write on = "orders->summary"']),
        ('kind = "poison"\nnth = 1', ["fault.0.on", 'write on = "message:OrderPlaced"']),
        ('kind = "surge"\nby = 3', ["fault.0.on", 'write on = "load:orders"']),
        ('kind = "hot"\non = "load:history"\np = 0.5', ["fault.0.on", '"load:checkouts"']),
        ('kind = "pose"\non = "summary"', ["fault.0.kind", '"pose"', '"pause"']),
        ('kind = "pause"\non = "sumary"', ["fault.0.on", '"sumary"', '"summary"']),
        ('kind = "pause"\non = "store:summary"', ["fault.0.on", "is not a node"]),
        ('kind = "cut"\non = "orders"', ["fault.0.on", "is not a link", '"orders->summary"']),
        ('kind = "cut"\non = "summary--products"', ["fault.0.on", "is not a link"]),
        ('kind = "unavailable"\non = "products"', ["fault.0.on", "is not a store", '"store:products"']),
        ('kind = "poison"\non = "message:OrderPlace"\nnth = 1', ["fault.0.on", '"message:OrderPlaced"']),
        ('kind = "surge"\non = "orders"\nby = 3', ["fault.0.on", '"load:orders"']),
        (
            'kind = "cut"\non = "orders->summary"\np = 0.5',
            ["fault.0.p = 0.5", "does not apply", "Leave it out"],
        ),
        ('kind = "drop"\non = "orders->summary"', ["fault.0.p", "is missing", "p = 0.1"]),
        ('kind = "drop"\non = "orders->summary"\np = 1.5', ["fault.0.p = 1.5", "from 0 to 1"]),
        ('kind = "error"\non = "store:summary"', ["fault.0.p", "p = 0.1, or first"]),
        ('kind = "delay"\non = "orders->summary"', ["fault.0.by", '"exp(10ms)"']),
        ('kind = "delay"\non = "orders->summary"\nby = 5', ["fault.0.by = 5", 'write "5s"']),
        ('kind = "slow"\non = "summary"\nby = "3s"', ["fault.0.by", "is not a factor", "3.0"]),
        ('kind = "stale"\non = "store:summary"\nby = "-3s"', ["fault.0.by", "is negative"]),
        ('kind = "throttle"\non = "orders->summary"\nto = 5', ["fault.0.to = 5", '"20/s"']),
        ('kind = "throttle"\non = "orders->summary"\nto = "0/s"', ["fault.0.to", "lets nothing pass"]),
        ('kind = "exhaust"\non = "summary"\nto = "5/s"', ["fault.0.to", "whole number"]),
        ('kind = "bug"\non = "summary"\nform = "rise"', ["fault.0.form", '"rise"', '"raise"']),
        ('kind = "bug"\non = "summary"\nform = "wrong"', ["fault.0.set", "is missing"]),
        ('kind = "bug"\non = "summary"\nform = "skip"\nwhere = 3', ["fault.0.where = 3", "customer_id"]),
        (
            'kind = "bug"\non = "summary"\nform = "skip"\nset = { quantity = 1 }',
            ["fault.0.set", 'write form = "wrong"'],
        ),
        (
            'kind = "bug"\non = "summary"\nform = "wrong"\nset = { quantty = 1 }',
            ["fault.0.set", '"quantty" is not a field', '"quantity"'],
        ),
        (
            'kind = "alter"\non = "message:ProductRenamed"\nset = { total_minor = "" }',
            ["fault.0.set", 'Write one of "product_id", "name".'],
        ),
        (
            'kind = "drop"\non = "orders->*"\np = 1\nwhere = { custmer_id = 7 }',
            ["fault.0.where", '"custmer_id" is not a field', '"customer_id"'],
        ),
        (
            'kind = "error"\non = "store:carts"\np = 1\nwhere = { total_mino = 7 }',
            ["fault.0.where", '"total_minor"'],
        ),
        ('kind = "exhaust"\non = "summary"\nto = 0', ["x.toml: fault.0.to = 0: is out of bounds"]),
        ('kind = "pause"\non = "summary"\nat = "5m"', ["fault.0.at", '"5m"', "phases.run"]),
        ('kind = "pause"\non = "summary"\nat = "-5s"', ["fault.0.at", "is negative"]),
        ('kind = "pause"\non = "summary"\nat = 5', ["fault.0.at = 5", 'write "5s"']),
        ('kind = "pause"\non = "summary"\nfor = 5', ["fault.0.for = 5", 'write "5s"']),
        ('kind = "pause"\non = "summary"\nevery = "5s"', ["fault.0.for", "is missing"]),
        ('kind = "pause"\non = "summary"\nevery = "0s"\nfor = "0s"', ["fault.0.every", "without end"]),
        ('kind = "attrition"\non = "*"\nevery = "5s"\nfor = "1s"', ["fault.0.most", "is missing"]),
        ('kind = "pause"\non = "summary"\ntill = "5s"', ["fault.0.till", '"5s"', "is not a key"]),
    ],
)
def test_a_fault_that_cannot_be_is_named_with_its_place_and_its_cure(row: str, parts: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(f'name = "x"\n[[fault]]\n{row}')
    assert all(part in str(caught.value) for part in ["x.toml: ", *parts]), str(caught.value)


def test_a_skewed_clock_may_be_slow() -> None:
    found = scenario('name = "x"\n[[fault]]\nkind = "skew"\non = "summary"\nby = "-2s"')
    assert found.faults[0].by == -2.0


def test_a_scenario_needs_a_name_made_of_plain_letters() -> None:
    with pytest.raises(ScenarioError, match="name: is missing"):
        scenario("seed = 1")
    with pytest.raises(ScenarioError, match='"my-test"'):
        scenario('name = "My Test"')


def test_what_is_not_toml_is_named_with_line_and_column() -> None:
    with pytest.raises(ScenarioError, match=r"x\.toml: is not TOML: .*line 2, column 8"):
        scenario('name = "x"\nseed = \n')
    with pytest.raises(ScenarioError, match=r"line 2, column 10"):
        scenario('name = "x"\nseed = [1')


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"none\.toml: cannot be read"):
        read(tmp_path / "none.toml")
    with pytest.raises(ScenarioError, match="cannot be read"):
        read(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ScenarioError, match="UTF-8"):
        read(tmp_path / "bytes.toml")


toml_values = st.recursive(
    st.one_of(
        st.integers(-5, 5),
        st.booleans(),
        st.floats(),
        st.sampled_from(["1s", "none", "run", "*", "x", "exp(1s)"]),
    ),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["kind", "on", "join", "that", "0", "retry", "summary"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(
        [
            "name",
            "seed",
            "phases.run",
            "phases",
            "population.lines",
            "load.orders",
            "load.own_read",
            "policy.join",
            "policy.retry",
            "policy.summary",
            "time.orders",
            "link.order",
            "fault",
            "fault.0.at",
            "fault.0.by",
            "fault.0.on",
            "fault.0.kind",
            "expect",
            "expect.0.that",
            "expect.0.when",
            "policy.restart",
        ],
    ),
    toml_values,
)
def test_any_value_anywhere_is_read_or_refused_with_the_file(key: str, value: Any) -> None:
    from scenarios.section import toml

    try:
        found = example(f"{key}={toml(value)}")
    except ScenarioError as error:
        refusal = str(error)
    else:
        refusal = "x.toml: "
        assert scenario(dumps(found)) == found
    assert refusal.startswith("x.toml: ")
