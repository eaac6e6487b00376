"""What is acknowledged over HTTP survives `kill -9` of the server, once, and everything follows it."""

from pathlib import Path
from random import Random

import pytest
from killing import survive_kills

KILLS = [3, pytest.param(20, marks=[pytest.mark.soak, pytest.mark.timeout(900)])]


@pytest.mark.parametrize("kills", KILLS)
@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_a_server_that_is_killed_has_lost_nothing_and_doubled_nothing(
    url: str, kills: int, tmp_path: Path
) -> None:
    survive_kills(tmp_path, url, kills, Random(f"{kills} kills"))
