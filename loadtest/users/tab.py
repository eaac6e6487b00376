"""The Consistency tab of Locust's web UI: lag and stale reads over time, faults marked.

Locust's page shows a tab that has no content; the content is a section that is added to the page, drawn by
`tab.js` from what `/consistency` answers. Faults are those of this process's own load, those that the file
in CQRS_LAB_FAULTS lists, and those that the server tells of if its /admin is on.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from flask import Blueprint, jsonify, request

from loadtest.users.consistency import Consistency
from loadtest.users.faultmarks import begun, in_file, on_load, on_server
from loadtest.users.session import SESSIONS

if TYPE_CHECKING:
    from flask import Response
    from locust.env import Environment

KEY: Final = "consistency"
TITLE: Final = "Consistency"
HERE: Final = Path(__file__).parent


def add_tab(environment: Environment) -> None:
    """Add the tab to the environment's web UI, which has not begun to listen."""
    web_ui = environment.web_ui
    assert web_ui is not None, "there is a web UI to add to"
    app = web_ui.app
    assert app is not None, "it has made its application"
    base: str = getattr(environment.parsed_options, "web_base_path", None) or ""
    web_ui.template_args["extended_tabs"] = [{"title": TITLE, "key": KEY}]
    pages = Blueprint(KEY, __name__, url_prefix=base or None)

    def consistency() -> Response:
        session = SESSIONS.get(environment)
        seen, marks, now_s = Consistency(), in_file(), 0.0
        if session is not None:
            seen, now_s = session.consistency, session.clock.now_s()
            marks += on_server(environment.host or "", session.clock.zero_unix_s)
            if session.is_load:
                marks += on_load(session.scenario)
        faults = [msgspec.to_builtins(mark) for mark in begun(marks, now_s)]
        found: Response = jsonify({**seen.summary(), "faults": faults, "now_s": now_s})
        return found

    def add_section(response: Response) -> Response:
        if request.path == f"{base}/" and response.mimetype == "text/html" and response.status_code == 200:
            page = response.get_data(as_text=True)
            response.set_data(page.replace("</body>", f"{_section(base)}</body>"))
        return response

    pages.add_url_rule(f"/{KEY}", view_func=web_ui.auth_required_if_enabled(consistency))
    app.register_blueprint(pages)
    app.after_request(add_section)


def _section(base: str) -> str:
    style, script = ((HERE / f"tab.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    section = f'<section id="{KEY}" data-base="{escape(base)}" aria-label="{TITLE}" hidden></section>'
    return f"<style>{style}</style>{section}<script>{script}</script>"
