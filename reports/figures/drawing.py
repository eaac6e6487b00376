"""A figure as a file's content: SVG, equal for equal figures, or PNG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from matplotlib import rc_context

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PLAIN: Final[Any] = {"svg.fonttype": "none", "svg.hashsalt": "cqrs-lab", "path.simplify": True}


def svg(figure: Figure) -> str:
    """The figure as SVG; text stays text, and nothing in it says when it was made."""
    text = io.StringIO()
    with rc_context(_PLAIN):
        figure.savefig(
            text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return text.getvalue()


def png(figure: Figure, dpi: float = 150.0) -> bytes:
    """The figure as PNG."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=dpi, metadata={"Software": None})
    return content.getvalue()
