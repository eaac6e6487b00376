"""The page for people: whole, in one piece, and true."""

from html.parser import HTMLParser

import pytest
from front import front

from loadtest.api.operations import OPERATIONS
from loadtest.api.problems import KINDS


class Read(HTMLParser):
    """What a page refers to, which places it has, and which elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("href", "src", "srcset", "action", "data", "poster"):
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def answer():
    with front() as lab:
        yield lab.http.get("/docs")


def test_it_loads_nothing_from_anywhere(answer) -> None:
    page = Read(answer.text)
    assert {link for link in page.links if not link.startswith("#")} == {"/openapi.json"}
    assert page.tags.isdisjoint({"script", "img", "link", "iframe", "form", "object"})
    assert "url(" not in answer.text
    assert "@import" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_its_links_lead_to_places_that_it_has(answer) -> None:
    page = Read(answer.text)
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= set(page.ids)


def test_it_has_every_operation_and_every_kind_of_problem(answer) -> None:
    page = Read(answer.text)
    for operation in OPERATIONS:
        assert f"{operation.method} {operation.path}" in page.text
        assert operation.name in page.ids
    assert set(KINDS) <= set(page.ids), "a problem's type leads to its description"


def test_the_root_leads_to_it() -> None:
    with front() as lab:
        answer = lab.http.get("/", follow_redirects=True)
    assert answer.url.path == "/docs"
    assert answer.status_code == 200
