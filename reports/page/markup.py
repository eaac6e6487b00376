"""The pieces of HTML that the page is made of; every text is escaped here and nowhere else.

>>> str(tag("p", "a < b", Markup("<b>c</b>")))
'<p>a &lt; b<b>c</b></p>'
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reports.page.told import Drawn


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = str | Markup
"""Plain text, which is escaped, or HTML."""


def html(content: Content) -> str:
    """The content as HTML."""
    return content if isinstance(content, Markup) else escape(content)


def tag(name: str, *contents: Content, **attributes: str) -> Markup:
    """An element; `class_` stands for the attribute `class`, and `_` in a name for `-`."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items()
    )
    return Markup(f"<{name}{given}>{''.join(html(one) for one in contents)}</{name}>")


def joined(parts: Iterable[Content]) -> Markup:
    """One after the other."""
    return Markup("".join(html(part) for part in parts))


def paragraph(*contents: Content, **attributes: str) -> Markup:
    """A paragraph."""
    return tag("p", *contents, **attributes)


def section(key: str, title: str, *contents: Content) -> Markup:
    """A part of the page with its heading."""
    return tag(
        "section", tag("h2", title, id=f"{key}-title"), *contents, id=key, aria_labelledby=f"{key}-title"
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[Content]], caption: str) -> Markup:
    """A table with its caption."""
    return joined([paragraph(caption, class_="caption"), box(heads, rows, caption)])


def box(
    heads: Sequence[str], rows: Iterable[Sequence[Content]], label: str, *, words: int | None = None
) -> Markup:
    """A table in a box of its own to scroll in; columns that hold numbers are aligned to the right.

    Those are all but the first `words` if that is given.
    """
    body = [list(row) for row in rows]
    numeric = [
        all(_is_number(row[at]) for row in body) if words is None else at >= words for at in range(len(heads))
    ]
    wordy = [any(len(html(row[at])) > WORDY for row in body) for at in range(len(heads))]
    sides = [
        "number" if is_number else "text prose" if is_wordy else "text"
        for is_number, is_wordy in zip(numeric, wordy, strict=True)
    ]
    head = tag(
        "tr", *(tag("th", one, scope="col", class_=side) for one, side in zip(heads, sides, strict=True))
    )
    lines = [
        tag(
            "tr",
            tag("th", row[0], scope="row", class_=sides[0]),
            *(tag("td", cell, class_=side) for cell, side in zip(row[1:], sides[1:], strict=True)),
        )
        for row in body
    ]
    whole = tag("table", tag("thead", head), tag("tbody", *lines), aria_label=label)
    return tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=label)


def folded(title: str, *contents: Content) -> Markup:
    """Contents to unfold; a print shows them."""
    return tag("details", tag("summary", title), *contents)


def figure(key: str, drawn: Drawn, caption: Content) -> Markup:
    """A figure with its caption, drawn in the page itself."""
    return tag(
        "figure",
        tag(
            "div",
            inline(key, drawn),
            class_="scroll",
            tabindex="0",
            role="region",
            aria_label=f"Figure: {key}",
        ),
        tag("figcaption", caption),
    )


def inline(key: str, drawn: Drawn) -> Markup:
    """The SVG as a part of the page: ids of its own, the page's colours, its words for who cannot see it."""
    svg = drawn.svg[drawn.svg.index("<svg") :].strip()
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, count=1, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(#|href="#)([\w.-]+)', svg))
    svg = re.sub(r' id="([\w.-]+)"', lambda found: f' id="{key}-{found[1]}"' if found[1] in used else "", svg)
    svg = re.sub(r'(url\(#|href="#)([\w.-]+)', rf"\g<1>{key}-\g<2>", svg)
    svg = re.sub(r"font-family: [^;]+; ?", "", svg)
    svg = re.sub(r"\s*\n\s*", " ", svg)
    for colour, variable in COLOURS.items():
        svg = svg.replace(f": {colour}", f": var({variable})")
    box = re.search(r'viewBox="([^"]+)"', svg)
    assert box is not None, "a figure has a size"
    words = escape(drawn.words)
    start = (
        f'<svg viewBox="{box[1]}" role="img" aria-label="{words}" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    return Markup(start + svg[svg.index(">") + 1 :])


COLOURS = {
    "#262626": "--ink",
    "#595959": "--grey",
    "#d9d9d9": "--rule",
    "#ffffff": "--paper",
    "#0072b2": "--blue",
    "#d55e00": "--vermilion",
}
"""The colours of figures that are others on a dark page."""


def _is_number(cell: Content) -> bool:
    return not isinstance(cell, Markup) and bool(NUMBER.fullmatch(cell))


NUMBER = re.compile(r"([−≥≤]? ?[\d.,]+( (%|s|ms|µs|min|h))?|–)?")

WORDY = 24
"""A column with more letters in a cell is not squeezed on a phone."""
