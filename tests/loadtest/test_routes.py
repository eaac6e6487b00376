"""A path leads to what is there, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.admin.operations import ADMIN
from loadtest.api.operations import OPERATIONS
from loadtest.api.routes import Routes

PATHS = sorted({operation.path for operation in (*OPERATIONS, *ADMIN)})
ROUTES = Routes({path: path for path in PATHS})
A_PART = st.text(min_size=1, max_size=8).filter(lambda part: "/" not in part and "{" not in part)


@pytest.mark.parametrize("path", PATHS)
def test_every_operation_is_found_with_the_parts_of_its_path(path) -> None:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    free = {name: f"some {name}" for name in names}
    assert ROUTES.find(path.format(**free)) == (path, free)


@given(st.sampled_from(PATHS), A_PART)
def test_a_path_with_one_part_more_or_fewer_is_another(path, part) -> None:
    for other in (f"{path}/", f"{path}//", f"/{path}", f"{path}x{part}/{part}/{part}", path.lstrip("/")):
        assert (ROUTES.find(other) or ("", {}))[0] != path


@pytest.mark.parametrize("path", ["", "/", "//", "*", "orders", "/orders/", "/customer//orders", "/Orders"])
def test_where_nothing_is_nothing_is_found(path) -> None:
    assert ROUTES.find(path) is None
