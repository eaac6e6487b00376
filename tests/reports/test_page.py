"""The page: self-contained, escaped, complete, readable by light and dark, honest about what is missing."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest
from pyarrow import parquet

from actors.trace import CLIENT_SCHEMA, NAME, Recorder
from cqrs_lab.experiment import run_simulated
from cqrs_lab.report import FIGURES, write_report
from reports.page.look import CSS
from reports.page.markup import tag
from reports.page.page import SECTIONS
from scenarios.file import loads

SCENARIO = """
name = "products-outage"
question = "Is 1 < 2 & does <script> stay text?"
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
own_read = "exp(500ms)"
[policy]
join = "placeholder"
on_error = "park"
[time]
orders = "1ms"
summary = "exp(5ms)"
[[fault]]
kind = "poison"
on = "message:OrderPlaced"
at = "2s"
nth = 7
[[expect]]
when = "always"
that = ["no lost", "dead_letters <= 1"]
[[expect]]
that = ["lag.p99{summary} < 1ms", "stale_reads{history} < 0.9"]
"""
EMPTY = {"area", "br", "link", "meta", "use", "path", "rect"}


class Outline(HTMLParser):
    """What a page consists of: elements with attributes, the text of each, and whether all are closed."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.text = [], [], []
        self.feed(html)

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes)))
        if name not in EMPTY:
            self.open.append(name)

    def handle_startendtag(self, name, attributes):
        self.elements.append((name, dict(attributes)))

    def handle_endtag(self, name):
        if name not in EMPTY:
            assert self.open.pop() == name

    def handle_data(self, data):
        if not {"style", "svg"} & set(self.open):
            self.text.append(data)

    def all(self, name):
        return [attributes for kind, attributes in self.elements if kind == name]

    def said(self):
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run folder as `run` leaves it."""
    folder = tmp_path_factory.mktemp("made") / "run"
    return run_simulated(loads(SCENARIO, source="made.toml", folder=None), out=folder).folder


@pytest.fixture
def copied(made, tmp_path):
    """The same folder, to be damaged."""
    return shutil.copytree(made, tmp_path / "run")


def outline(folder):
    return Outline((folder / "report.html").read_text(encoding="utf-8"))


def test_a_run_leaves_its_page_and_its_figures(made):
    names = {path.stem for path in (made / "figures").glob("*.svg")}
    assert {"consistency", "backlog", "visibility", "lag_ccdf", "session_violations", "gaps"} <= names
    assert len([name for name in names if name.startswith("order-")]) == 8
    assert not list((made / "figures").glob("*.png"))


def test_every_part_of_the_page_stands_in_its_order(made):
    found = [attributes["id"] for attributes in outline(made).all("section")]
    assert len(found) == len(set(found)) == len(SECTIONS) - 1  # no real clients
    assert found[:3] == ["question", "expectations", "consistency"]
    assert found[-3:] == ["letters", "decisions", "reproduce"]


def test_the_page_needs_nothing_but_itself(made):
    page = outline(made)
    assert not {"script", "img", "iframe", "object", "embed", "base"} & {name for name, _ in page.elements}
    for _, attributes in page.elements:
        for key in ("src", "href", "xlink:href", "action", "poster"):
            assert (attributes.get(key) or "#").startswith(("#", "data:,")), attributes
        assert not any(key.startswith("on") for key in attributes)
    text = (made / "report.html").read_text(encoding="utf-8")
    assert "@import" not in text
    assert re.findall(r"url\(([^)]*)\)", text)
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", text))


def test_what_a_user_wrote_stays_text(made):
    page = outline(made)
    assert "Is 1 < 2 & does <script> stay text?" in page.said()
    assert not page.all("script")
    assert tag("p", '<b>"', title='"<') == '<p title="&quot;&lt;">&lt;b&gt;&quot;</p>'


def test_every_element_is_closed_and_every_id_is_used_once_and_found(made):
    page = outline(made)
    assert not page.open
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    text = (made / "report.html").read_text(encoding="utf-8")
    targets = set(re.findall(r'(?:url\(#|href="#|labelledby=")([\w.-]+)', text))
    assert targets <= set(ids)


def test_every_figure_says_in_words_what_it_shows(made):
    drawings = outline(made).all("svg")
    assert len(drawings) == 6 + 8
    for attributes in drawings:
        assert attributes["role"] == "img"
        assert re.search(r"\d", attributes["aria-label"])


def test_the_same_folder_gives_the_same_page_to_the_byte(made, copied):
    again = write_report(copied)
    assert again.read_bytes() == (made / "report.html").read_bytes()
    for figure in (made / "figures").iterdir():
        assert (copied / "figures" / figure.name).read_bytes() == figure.read_bytes()


def test_the_page_tells_verdict_value_limit_and_margin_of_each_claim(made):
    verdict = json.loads((made / "verdict.json").read_text(encoding="utf-8"))
    said = outline(made).said()
    assert verdict["sentence"] in said
    assert said.count("✗ broken") == sum(one["held"] is False for one in verdict["results"]) > 0
    assert said.count("✓ held") == sum(one["held"] is True for one in verdict["results"]) > 0
    assert "lag.p99{summary} < 1ms run ✗ broken" in said
    assert "1 ms −" in said  # limit and negative margin


def test_the_page_says_what_was_varied_and_which_decisions_are_no_defaults(made):
    said = outline(made).said()
    assert "What differs from products-outage as it comes with the lab" in said
    assert "policy.join placeholder wait" in said
    assert "on_error park retry" in said


def test_dead_letters_are_listed_with_their_orders(made):
    said = outline(made).said()
    assert re.search(r"summary orders \d+ \d+ \d", said)


def test_the_command_that_runs_it_again_is_on_the_page(made):
    verdict = json.loads((made / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["reproduce"] in outline(made).said()


@pytest.mark.parametrize(
    "name", ["reads", "events", "applied", "faults", "summaries", "commands", "lines", "orders"]
)
def test_without_a_table_the_page_says_so_and_shows_what_is_left(copied, name):
    (copied / "tables" / f"{name}.parquet").unlink()
    write_report(copied)
    page = outline(copied)
    assert f"tables/{name}.parquet is missing" in page.said()
    assert "products-outage" in page.said()
    assert not page.open


def test_damaged_files_are_named_at_the_top(copied):
    (copied / "tables" / "reads.parquet").write_bytes(b"not a table")
    (copied / "verdict.json").write_text("{", encoding="utf-8")
    (copied / "summary.json").unlink()
    (copied / "scenario.toml").unlink()
    write_report(copied)
    said = outline(copied).said()
    for what in ("tables/reads.parquet is damaged", "verdict.json cannot be read", "summary.json is missing"):
        assert 0 < said.index(what) < said.index("Expectations")
    assert "scenario.toml is missing" in said
    assert "This run was not judged" in said


def test_a_summary_that_is_missing_is_measured_again(copied):
    (copied / "summary.json").unlink()
    before = outline(copied).said()
    write_report(copied)
    table = "Lag and time behind in the run phase"
    assert table in before
    assert table in outline(copied).said()


def test_a_report_can_be_written_anew_with_pictures_of_pixels(copied):
    write_report(copied, png=True)
    for name in ("consistency", "backlog"):
        assert (copied / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def client_tables(folder):
    """What clients of a real server would have left: two kinds of requests, one of them slow, and probes."""
    recorder = Recorder(CLIENT_SCHEMA)

    def add(table, *row):
        kinds = CLIENT_SCHEMA[table].values()
        values = [recorder.intern(v) if kind == NAME else v for v, kind in zip(row, kinds, strict=True)]
        recorder.row(table)(tuple(values))

    for n in range(200):
        at_s, outcome = n * 0.05, "ok" if n % 20 else "failed"
        add("requests", "orders", "POST /orders", 1, -1, n, n, at_s, at_s, at_s + 0.02, 202, outcome)
        add("requests", "history", "GET /x", 1, -1, -1, -1, at_s, at_s, at_s + 0.2, 200, "ok")
        seen_s = at_s + 0.1 if n % 50 else float("nan")
        add("probes", "order", "summary", n, at_s, float("nan"), seen_s, at_s + 5.0, 3)
    recorder.write(folder / "tables")


def test_a_live_run_shows_throughput_and_latency_too(copied):
    client_tables(copied)
    told = {"intended": 400, "sent": 396, "dropped": 4, "late_s": {"p50": 0.001, "p99": 0.06, "max": 0.07}}
    told |= {"cpu_s": 9.5, "wall_s": 10.0, "kept_up": False, "reason": "it used 95% of a core"}
    info = json.loads((copied / "run.json").read_text(encoding="utf-8"))
    info |= {"engine": "live", "generator": told}
    (copied / "summary.json").unlink()  # it is measured again
    (copied / "run.json").write_text(json.dumps(info), encoding="utf-8")
    write_report(copied)
    page = outline(copied)
    assert [one["id"] for one in page.all("section")] == [
        {"violations": "session_violations", "tail": "lag_ccdf"}.get(key, key) for key in SECTIONS
    ]
    assert (copied / "figures" / "throughput_latency.svg").is_file()
    assert (copied / "figures" / "probed_visibility.svg").is_file()
    label = next(one["aria-label"] for one in page.all("svg") if "requests per second" in one["aria-label"])
    assert "GET /x p99 at most 200 ms" in label
    html = (copied / "report.html").read_text(encoding="utf-8")
    assert "It could not keep up: it used 95% of a core." in html
    (generator,) = re.findall(r"<tbody><tr><th[^>]*>400</th>(.*?)</tr></tbody>", html)
    cells = ["396", "4", "1 ms", "60 ms", "70 ms", "95 %"]
    assert re.findall(r"<td[^>]*>(.*?)</td>", generator) == cells
    assert "intended p50" in html
    assert "sent p50" in html


def test_the_page_of_an_older_live_run_can_be_written_anew(copied):
    client_tables(copied)
    told = json.loads((copied / "run.json").read_text(encoding="utf-8")) | {"engine": "live"}
    (copied / "run.json").write_text(json.dumps(told | {"generator": {"kept_up": True}}), encoding="utf-8")
    (copied / "summary.json").unlink()
    write_report(copied)
    assert "It kept up." in (copied / "report.html").read_text(encoding="utf-8")


def test_a_probe_shows_what_clients_saw_and_nothing_else(tmp_path):
    (tmp_path / "tables").mkdir()
    client_tables(tmp_path)
    phases = {"warm": 0.0, "run": 10.0, "settle": 5.0}
    info = {"engine": "probe", "scenario": "their-shop", "seed": 1, "phases": phases}
    (tmp_path / "run.json").write_text(json.dumps(info), encoding="utf-8")
    write_report(tmp_path)
    page = outline(tmp_path)
    assert [one["id"] for one in page.all("section")] == ["question", "expectations", "clients", "reproduce"]
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == set(FIGURES[-2:])


def colours(theme):
    """The page's own colours in light or in dark."""
    blocks = re.findall(r":root \{([^}]*)\}", CSS)
    return dict(re.findall(r"(--\w+): (#[0-9a-f]{6})", blocks[0])) | (
        dict(re.findall(r"(--\w+): (#[0-9a-f]{6})", blocks[["light", "dark", "print"].index(theme)]))
    )


def contrast(one, other):
    """The contrast ratio of two colours by WCAG 2.2."""

    def luminance(colour):
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_text_stands_out_from_its_ground_in(theme):
    known = colours(theme)
    for text in ("--ink", "--grey", "--link", "--pass", "--fail", "--unknown"):
        for ground in ("--paper", "--wash"):
            assert contrast(known[text], known[ground]) >= 4.5, (text, ground)
    for line in ("--blue", "--vermilion"):
        assert contrast(known[line], known["--paper"]) >= 3.0, line


def test_a_whole_run_of_this_version_has_nothing_to_note(made):
    assert "What this page cannot show" not in outline(made).said()


def test_a_run_of_another_version_or_engine_is_shown_with_a_note(copied):
    info = json.loads((copied / "run.json").read_text(encoding="utf-8"))
    info["versions"]["cqrs-lab"], info["engine"] = "0.0.1", "cluster"
    (copied / "run.json").write_text(json.dumps(info), encoding="utf-8")
    write_report(copied)
    said = outline(copied).said()
    assert "the engine 'cluster' has made this run, which cqrs-lab does not know" in said
    assert "cqrs-lab 0.0.1 has made this run, and this is " in said
    assert "Lag and time behind in the run phase" in said


@pytest.mark.parametrize("name", ["events", "summaries"])
def test_of_tables_that_do_not_fit_together_what_can_be_shown_is(copied, name):
    path = copied / "tables" / f"{name}.parquet"
    parquet.write_table(parquet.read_table(path).slice(0, 0), path)
    (copied / "summary.json").unlink()
    write_report(copied)
    page = outline(copied)
    assert "the tables do not fit together" in page.said()
    assert "What readers noticed" in page.said()
    assert not page.open


def test_a_run_without_events_has_no_empty_figures(tmp_path):
    quiet = 'name = "quiet"\n[phases]\nrun = "5s"\n[load]\norders = "none"\nhistory = "poisson(5/s)"\n'
    folder = run_simulated(loads(quiet, source="quiet.toml", folder=None), out=tmp_path / "run").folder
    assert {path.stem for path in (folder / "figures").iterdir()} == {"session_violations"}
    said = outline(folder).said()
    assert "no order was placed; nothing was lost" in said
    assert "No read model had anything to follow in this run." in said
