"""Locust's own page in a real browser: what the load can be told, and the Consistency tab."""

import contextlib
import json
import os
import socket
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

sys.path.insert(0, str(Path(__file__).parents[1] / "loadtest"))

from locust_target import group, target

pytestmark = pytest.mark.browser

LOCUSTFILE = Path(__file__).parents[2] / "loadtest" / "locustfile.py"
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
    "--window-size=1300,1500",
)
PATIENCE_S = 40.0

SCENARIO = """
name = "shop"
[phases]
warm = "1s"
run = "30s"
settle = "2s"
[load]
orders = "poisson(20/s)"
history = "poisson(20/s)"
own_read = "exp(5ms)"
[[fault]]
kind = "surge"
on = "load:orders"
by = 2
at = "2s"
for = "2s"
"""
FAULTS = [{"kind": "unavailable", "on": "store:products", "start_s": 1.0, "end_s": None}]


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    options = Options()
    options.binary_location = CHROMIUM
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield found
    finally:
        found.quit()


@contextlib.contextmanager
def page(tmp_path: Path, *options: str, fault: tuple[str, ...] = ()) -> Iterator[str]:
    """The address of Locust's page, with a server to load."""
    scenario, faults = tmp_path / "scenario.toml", tmp_path / "faults.json"
    scenario.write_text(SCENARIO, encoding="utf-8")
    faults.write_text(json.dumps(FAULTS), encoding="utf-8")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    with target("memory://", scenario, *fault) as server:
        command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "-H", server, "-P", port]
        environment = {"CQRS_LAB_SCENARIO": str(scenario), "CQRS_LAB_FAULTS": str(faults)}
        log = (tmp_path / "locust.log").open("w", encoding="utf-8")
        with log, group([*command, *options], env=os.environ | environment, log=log):
            yield f"http://127.0.0.1:{port}/"


def opened(driver: webdriver.Chrome, url: str) -> None:
    """Open the page as soon as it answers."""

    def answers(_: object) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
        return False

    WebDriverWait(driver, PATIENCE_S).until(answers)
    driver.get(url)


def choose(driver: webdriver.Chrome, title: str) -> None:
    def tab(_: object) -> object:
        tabs = driver.find_elements(By.CSS_SELECTOR, "[role=tab]")
        return next((one for one in tabs if one.text.upper() == title.upper()), None)

    WebDriverWait(driver, PATIENCE_S).until(tab).click()


def test_the_form_offers_the_shapes_and_starts_one(driver: webdriver.Chrome, tmp_path: Path) -> None:
    with page(tmp_path) as url:
        opened(driver, url)
        shown = WebDriverWait(driver, PATIENCE_S).until(
            lambda _: driver.execute_script("return document.body.innerText")
        )
        assert "Host" in shown
        arguments = driver.execute_script("return window.templateArgs.extra_options")
        assert arguments["shape"]["choices"] == ["ramp", "step", "spike", "sine", "soak", "scenario"]
        assert arguments["shape"]["default_value"] == "scenario"
        assert driver.find_element(By.ID, "consistency").is_displayed() is False


def test_the_consistency_tab_shows_lag_stale_reads_and_faults(
    driver: webdriver.Chrome, tmp_path: Path
) -> None:
    fault = ("unavailable", "store:products")
    with page(tmp_path, "--autostart", "--deadline", "2", fault=fault) as url:
        opened(driver, url)
        section = driver.find_element(By.ID, "consistency")
        assert not section.is_displayed()
        choose(driver, "Consistency")
        WebDriverWait(driver, PATIENCE_S).until(
            lambda _: driver.find_elements(By.CSS_SELECTOR, "#consistency path.censored")
        )
        WebDriverWait(driver, PATIENCE_S).until(
            lambda _: len(driver.find_elements(By.CSS_SELECTOR, "#consistency rect.fault")) >= 4
        )
        driver.save_screenshot(str(tmp_path / "consistency.png"))
        text = driver.execute_script("return document.getElementById('consistency').textContent")
        assert "unavailable store:products" in text
        assert "surge load:orders" in text
        cells = driver.execute_script(
            "return [...document.querySelectorAll('#consistency td')].map(cell => cell.textContent)"
        )
        assert int(cells[0]) == int(cells[1]) > 0, cells
        assert driver.find_elements(By.CSS_SELECTOR, "#consistency rect.bar")
        choose(driver, "Statistics")
        WebDriverWait(driver, PATIENCE_S).until(lambda _: not section.is_displayed())
        WebDriverWait(driver, PATIENCE_S).until(
            lambda _: "order->summary" in driver.execute_script("return document.body.innerText")
        )
        names = driver.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
        assert names
        assert [name for name in names if not name.startswith(url)] == []
        severe = [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
        assert severe == []
