"""The OpenAPI document says what the server does: a program that reads it meets no other answer."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from served import serving

from loadtest.api.openapi import document
from loadtest.api.operations import OPERATIONS
from loadtest.api.problems import KINDS

EXAMPLES = 15
"""So many requests are made up for each operation, besides those that try each limit of its schema."""

RULES = """
[[operations]]
include-operation-id = "place_order"
[operations.checks.positive_data_acceptance]
# A key may belong to another order, a product may stand in it twice: no schema says so.
expected-statuses = [201, 409, 422]
"""


def test_every_operation_is_described_once_with_all_its_answers() -> None:
    described = document(OPERATIONS)
    assert described["openapi"].startswith("3.1")
    for operation in OPERATIONS:
        one = described["paths"][operation.path][operation.method.lower()]
        wanted = {answer.status for answer in operation.answers}
        wanted |= {KINDS[kind].status for kind in operation.all_problems} | {405}
        assert set(one["responses"]) == {str(status) for status in wanted}
        assert one["summary"]
    names = [one["operationId"] for path in described["paths"].values() for one in path.values()]
    assert len(names) == len(set(names)) == len(OPERATIONS)


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_no_request_that_can_be_made_up_is_answered_otherwise_than_described(
    mode: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES)
    url = request.getfixturevalue("postgres").fresh_database() if mode == "positive" else None
    with serving(tmp_path, *(["--store", url] if url else [])) as shop:
        found = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", rules),
                *("run", f"{shop.url}/openapi.json", "--mode", mode, "--checks", "all"),
                *("--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES)),
                *("--generation-deterministic", "--no-color", "--continue-on-failure"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert found.returncode == 0, found.stdout + found.stderr
        assert f"Tested: {len(OPERATIONS)}" in found.stdout
        assert httpx.get(f"{shop.url}/livez").status_code == 200
        assert shop.stop() == 0
    assert not [line for line in shop.said if '"error"' in line], "nothing went wrong unseen"
