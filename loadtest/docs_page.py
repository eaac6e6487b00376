"""The page of the API for people: made from the OpenAPI document, in one piece, without any script."""

from __future__ import annotations

import json
from html import escape
from typing import Any, Final

from loadtest.problems import KINDS

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""The Content-Security-Policy of the page: nothing is loaded, nothing runs."""

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { background: #f4f4f4; color: #222; padding: .7rem; overflow-x: auto; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #999; } h3 { margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; }
td, th { border-top: 1px solid #ccc; padding: .25rem .7rem .25rem 0; }
"""


def page(document: dict[str, Any]) -> str:
    """The whole page as HTML."""
    schemas = document["components"]["schemas"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>cqrs-lab</title><style>{_STYLE}</style>",
        f"<h1>cqrs-lab {escape(document['info']['version'])}</h1>",
        *(f"<p>{_text(part)}</p>" for part in document["info"]["description"].split("\n\n")),
        "<p>For programs: <a href=/openapi.json>/openapi.json</a> (OpenAPI 3.1).</p><h2>Operations</h2>",
    ]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts.append(_operation(method.upper(), path, operation))
    parts.append("<h2>Bodies</h2>")
    parts += [
        f"<h3 id=body-{name}>{name}</h3><p>{_text(schema.get('description', ''))}</p>{_json(schema)}"
        for name, schema in schemas.items()
    ]
    parts.append("<h2>Problems</h2><table><tr><th>type<th>status<th>title<th>")
    parts += [
        f"<tr id={kind.name}><td><code>/docs#{kind.name}</code><td>{kind.status}<td>{escape(kind.title)}"
        f"<td>{'may pass by itself: ask again' if kind.may_pass else ''}"
        for kind in KINDS.values()
    ]
    parts.append("</table></html>")
    return "\n".join(parts)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [
        f"<h3 id={operation['operationId']}><code>{method} {escape(path)}</code></h3>",
        f"<p>{_text(operation['summary'])}</p>",
    ]
    if operation["parameters"]:
        parts.append("<table><tr><th>parameter<th>in<th>")
        parts += [
            f"<tr><td><code>{escape(one['name'])}</code><td>{one['in']}<td>"
            + _text(one.get("description") or one["schema"].get("description", ""))
            for one in operation["parameters"]
        ]
        parts.append("</table>")
    if "requestBody" in operation:
        parts.append(f"<p>Body: {_body(operation['requestBody'])}</p>")
    parts.append("<table><tr><th>answer<th>body<th>headers<th>")
    parts += [
        f"<tr><td>{status}<td>{_body(answer)}<td>{escape(', '.join(answer.get('headers', {})))}"
        f"<td>{_text(answer['description'])}"
        for status, answer in operation["responses"].items()
    ]
    return "\n".join([*parts, "</table>"])


def _body(described: dict[str, Any]) -> str:
    """A link to the schema of a body."""
    for content in described.get("content", {}).values():
        schema = content["schema"]
        reference = schema.get("$ref") or schema.get("items", {}).get("$ref")
        if reference is None:
            return "text"
        name = reference.rpartition("/")[2]
        link = f"<a href=#body-{name}>{name}</a>"
        return link if "$ref" in schema else f"list of {link}"
    return ""


def _text(text: str) -> str:
    """Text with `code` and **emphasis**."""
    pieces = escape(text).split("`")
    pieces[1::2] = [f"<code>{piece}</code>" for piece in pieces[1::2]]
    pieces = "".join(pieces).split("**")
    pieces[1::2] = [f"<strong>{piece}</strong>" for piece in pieces[1::2]]
    return "".join(pieces)


def _json(schema: dict[str, Any]) -> str:
    return f"<pre>{escape(json.dumps(schema, indent=2, ensure_ascii=False))}</pre>"
