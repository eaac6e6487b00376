"""The report in a real browser: no errors, nothing asked of any network, legible by light and dark."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from cqrs_lab.experiment import run_simulated
from scenarios.file import loads

pytestmark = pytest.mark.browser

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)

SCENARIO = """
name = "shop"
question = "What do customers see?"
[phases]
warm = "2s"
run = "10s"
settle = "10s"
[load]
orders = "poisson(20/s)"
history = "poisson(20/s)"
own_read = "exp(500ms)"
[time]
orders = "1ms"
summary = "exp(5ms)"
[[fault]]
kind = "unavailable"
on = "store:products"
at = "2s"
for = "2s"
[[expect]]
when = "always"
that = ["no lost", "lag.p99{summary} < 1ms"]
"""

CONTRASTS = """
function channel(c) { c /= 255; return c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4); }
function luminance(c) { return 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]); }
function numbers(text) { return (text.match(/[\\d.]+/g) || []).map(Number); }
function ground(element) {
  for (let e = element; e; e = e.parentElement) {
    const c = numbers(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] > 0.99) return c;
  }
  return [255, 255, 255];
}
const found = [];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || element.closest("details:not([open]) > :not(summary)")) continue;
  const style = getComputedStyle(element);
  const text = numbers(element.namespaceURI.endsWith("svg") ? style.fill : style.color);
  const lights = [luminance(text), luminance(ground(element))].sort((a, b) => b - a);
  found.push([element.textContent.trim().slice(0, 40), (lights[0] + 0.05) / (lights[1] + 0.05)]);
}
return found;
"""
"""Every text that can be seen, and how it stands out from its ground, by WCAG 2.2."""

OVERLAPS = """
const found = [];
for (const svg of document.querySelectorAll("figure svg")) {
  const texts = [...svg.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
  const box = svg.getBoundingClientRect();
  if (!box.width) continue;
  texts.forEach(([one, a], n) => {
    if (a.left < box.left - 1 || a.right > box.right + 1) found.push([one, "cut off"]);
    texts.slice(n + 1).forEach(([other, b]) => {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 2 && high > 5) found.push([one, other]);
    });
  });
}
return found;
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "run"
    return (
        run_simulated(loads(SCENARIO, source="shop.toml", folder=Path()), out=folder).folder / "report.html"
    )


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run in which one fault follows the other, and every figure has an objective."""
    faults = "".join(
        f'[[fault]]\nkind = "pause"\non = "{node}"\nat = "{at_s}s"\nfor = "400ms"\n'
        for at_s, node in enumerate(("summary", "inventory", "products", "relay") * 2, 1)
    )
    claims = ["time_behind.max{summary} < 5s", "visible_within(1s){summary} >= 0.5", "lag.p99{products} < 2s"]
    text = f"{SCENARIO}{faults}[[expect]]\nthat = {json.dumps(claims)}\n"
    folder = tmp_path_factory.mktemp("crowded") / "run"
    return run_simulated(loads(text, source="crowded.toml", folder=Path()), out=folder).folder / "report.html"


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = Options()
    options.binary_location = CHROMIUM
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield found
    finally:
        found.quit()


def show(driver: webdriver.Chrome, page: Path, *, width: int = 1100, theme: str = "light") -> None:
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    features = [{"name": "prefers-color-scheme", "value": theme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "screen", "features": features})
    driver.get(page.as_uri())


def requested(driver: webdriver.Chrome) -> set[str]:
    """What the browser has asked for since it was last asked."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }


def test_the_page_loads_without_an_error_and_asks_for_nothing_else(driver, report):
    requested(driver)
    show(driver, report)
    assert driver.title == "FAIL shop – cqrs-lab"
    assert not driver.get_log("browser")
    assert {url for url in requested(driver) if not url.startswith("data:")} == {report.as_uri()}


def test_the_page_is_the_same_without_scripts(driver, report):
    show(driver, report)
    with_scripts = driver.find_element("tag name", "body").text
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(driver, report)
        assert driver.find_element("tag name", "body").text == with_scripts
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_verdict_can_be_seen_at_once(driver, report):
    show(driver, report)
    verdict = driver.find_element("css selector", ".sentence")
    assert verdict.text.startswith("FAIL While the Products store was down")
    assert verdict.rect["y"] + verdict.rect["height"] < 400


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground_in(driver, report, theme):
    show(driver, report, theme=theme)
    found = driver.execute_script(CONTRASTS)
    assert len(found) > 200
    assert not [one for one in found if one[1] < 4.5]


@pytest.mark.parametrize("width", [390, 768, 1100])
def test_nothing_is_wider_than_the_screen_of(driver, report, width):
    show(driver, report, width=width)
    assert driver.execute_script("return document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("page", ["report", "crowded"])
def test_texts_in_figures_neither_overlap_nor_are_cut_off(driver, page, request):
    show(driver, request.getfixturevalue(page))
    driver.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert driver.execute_script(OVERLAPS) == []


def test_figures_and_tables_have_names_for_those_who_cannot_see_them(driver, report):
    show(driver, report)
    drawings = driver.find_elements("css selector", "figure svg")
    assert len(drawings) > 6
    assert all(one.get_attribute("role") == "img" and one.get_attribute("aria-label") for one in drawings)
    assert all(one.get_attribute("aria-label") for one in driver.find_elements("css selector", "table"))


def test_it_can_be_read_through_with_the_keyboard(driver, report):
    show(driver, report)
    scrolling = driver.find_elements("css selector", ".scroll")
    assert scrolling
    assert all(one.get_attribute("tabindex") == "0" for one in scrolling)
    driver.find_element("css selector", "details:not([open]) > summary").send_keys(" ")
    assert driver.find_element("css selector", "details").get_attribute("open") is not None


def test_a_print_shows_what_is_folded_on_the_screen(driver, report):
    show(driver, report)
    printed = base64.b64decode(driver.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 5
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    folded = "details:not([open]) table"
    heights = driver.execute_script(
        f"return [...document.querySelectorAll('{folded}')].map(t => t.getBoundingClientRect().height)"
    )
    assert heights
    assert all(height > 20 for height in heights)
