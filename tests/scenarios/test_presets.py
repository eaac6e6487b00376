import tomllib
from itertools import combinations
from pathlib import Path

import pytest

from actors.policy import Policy
from scenarios import names, presets
from scenarios.errors import ScenarioError
from scenarios.file import dumps, loads
from scenarios.scenario import Scenario

FOLDER = Path(presets.__file__).parent


def scenario(policy: str) -> Scenario:
    return loads(f'name = "x"\n[policy]\n{policy}', source="x.toml", folder=Path())


def preset(name: str, more: str = "") -> Scenario:
    return scenario(f'preset = "{name}"\n{more}')


def test_every_file_of_the_folder_is_listed() -> None:
    assert sorted(presets.names()) == sorted(path.stem for path in FOLDER.glob("*.toml"))
    assert presets.names() == list(names.PRESETS)


@pytest.mark.parametrize("name", presets.names())
def test_a_preset_stands_for_the_keys_in_its_file(name: str) -> None:
    keys = FOLDER.joinpath(f"{name}.toml").read_text().partition("[policy]\n")[2]
    assert preset(name).policy == scenario(keys).policy
    assert preset(name).preset == name


@pytest.mark.parametrize("name", presets.names())
def test_a_preset_says_in_its_first_line_what_it_is_and_then_what_it_is_not(name: str) -> None:
    text = presets.find(name).read_text()
    first, *others = text.splitlines()
    assert first.startswith("# ")
    assert first.endswith(".")
    comment = " ".join(line.removeprefix("#").strip() for line in others if line.startswith("#"))
    assert " not " in comment
    assert set(tomllib.loads(text)) == {"policy"}
    assert not any(isinstance(value, dict) and key != "retry" for key, value in presets.table(name).items())


@pytest.mark.parametrize("name", presets.names())
def test_a_scenario_with_a_preset_is_written_with_every_key_and_reads_back_as_the_same(name: str) -> None:
    found = preset(name, 'join = "placeholder"\n[policy.summary]\ncheckpoint = "before"')
    written = tomllib.loads(dumps(found))["policy"]
    assert written["preset"] == name
    assert set(written) > {"publish", "retry", "replay", "overflow", "summary"}
    assert loads(dumps(found), source="copy.toml", folder=Path()) == found


def test_no_two_presets_are_the_same_design() -> None:
    for one, other in combinations(presets.names(), 2):
        assert preset(one).policy != preset(other).policy, (one, other)


def test_a_key_of_the_file_beats_the_preset() -> None:
    found = preset("dead-letter-queue", 'checkpoint = "after"\nretry = { attempts = 9 }').policy
    assert found.consumer.checkpoint == "after"
    assert (found.consumer.retry.attempts, found.consumer.retry.cap) == (9, 1.0)
    assert found.consumer.retry.then == "park"


def test_one_consumer_inherits_from_the_preset_and_the_file() -> None:
    found = preset("naive-in-process", 'join = "carried"\n[policy.summary]\non_error = "park"').policy
    summary = found.of("summary")
    assert (summary.on_error, summary.join, summary.idempotent) == ("park", "carried", False)
    assert found.of("inventory").on_error == "skip"


def test_what_a_preset_leaves_out_has_its_default() -> None:
    assert preset("naive-in-process").policy.read_timeout == Policy().read_timeout


def test_a_preset_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(ScenarioError, match='the nearest is "textbook-outbox"'):
        presets.find("textbok-outbox")
    with pytest.raises(ScenarioError, match=r'x\.toml: policy\.preset = "naive".*the nearest is'):
        preset("naive")


def test_the_presets_that_the_names_promise_are_what_they_are_called() -> None:
    naive, textbook = preset("naive-in-process").policy, preset("textbook-outbox").policy
    assert (naive.publish, naive.consumer.on_error) == ("direct", "skip")
    assert not naive.consumer.idempotent
    assert (textbook.publish, textbook.consumer.checkpoint) == ("outbox", "with")
    assert textbook.consumer.idempotent
    assert preset("exactly-once-view").policy.consumer.join == "carried"
    assert preset("dead-letter-queue").policy.consumer.retry.then == "park"
    assert preset("reservation-saga").policy.stock == "saga"
    assert preset("reserve-first").policy.stock == "reserve"
    assert preset("read-your-writes").policy.read == "wait"
