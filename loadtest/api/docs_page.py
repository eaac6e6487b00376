"""The page of the API for people: made from the OpenAPI document, in one piece, without any script."""

from __future__ import annotations

import json
from html import escape
from typing import Any, Final

from loadtest.api.problems import KINDS

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""The Content-Security-Policy of the page: nothing is loaded, nothing runs."""

EVERYWHERE: Final = ("405", "431", "500")
"""What any operation may answer is said once."""

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { border-left: 3px solid #888; padding: .2rem .8rem; overflow-x: auto; }
h2 { margin-top: 3rem; border-bottom: 2px solid #888; } h3 { margin: 2.5rem 0 .5rem; }
h3 code { font-size: 18px; } p { margin: .5rem 0; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
td, th { text-align: left; vertical-align: top; border-top: 1px solid #8888; padding: .2rem .8rem .2rem 0; }
th { border-top: 0; font-weight: 600; font-size: 14px; } td:last-child { width: 60%; }
.list { columns: 2 22rem; list-style: none; padding: 0; }
"""


def page(document: dict[str, Any]) -> str:
    """The whole page as HTML."""
    info, schemas = document["info"], document["components"]["schemas"]
    operations = [
        (f"{method.upper()} {path}", operation)
        for path, by_method in document["paths"].items()
        for method, operation in by_method.items()
    ]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>cqrs-lab</title><style>{_STYLE}</style>",
        f"<h1>cqrs-lab {escape(info['version'])}</h1>",
        *(f"<p>{_text(part)}</p>" for part in info["description"].split("\n\n")),
        "<p>For programs: <a href=/openapi.json>/openapi.json</a> (OpenAPI 3.1).</p><ul class=list>",
        *(
            f"<li><a href=#{operation['operationId']}><code>{escape(name)}</code></a>"
            for name, operation in operations
        ),
        "</ul><h2>Operations</h2>",
        f"<p>Any of them may also end with {', '.join(EVERYWHERE)}: see <a href=#problems>problems</a>.</p>",
        *(_operation(name, operation, schemas) for name, operation in operations),
        "<h2>Bodies</h2>",
        *(_schema(name, schema) for name, schema in schemas.items()),
        "<h2 id=problems>Problems</h2>",
        _table(
            ("type", "status", "what it is"),
            (
                (
                    f"<code id={kind.name}>/docs#{kind.name}</code>",
                    str(kind.status),
                    escape(kind.title) + ("; may pass by itself: ask again" if kind.may_pass else ""),
                )
                for kind in KINDS.values()
            ),
        ),
        "</html>",
    ]
    return "\n".join(parts)


def _operation(name: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    parts = [
        f"<h3 id={operation['operationId']}><code>{escape(name)}</code></h3>",
        f"<p>{_text(operation['summary'])}</p>",
    ]
    if operation["parameters"]:
        rows = (
            (f"<code>{escape(one['name'])}</code>", one["in"], _text(_meaning(one, one["schema"])))
            for one in operation["parameters"]
        )
        parts.append(_table(("parameter", "in", "meaning"), rows))
    if "requestBody" in operation:
        (content,) = operation["requestBody"]["content"].values()
        example = json.dumps(_example(content["schema"], schemas), ensure_ascii=False)
        parts.append(f"<p>Body: {_body(operation['requestBody'])}, such as</p><pre>{escape(example)}</pre>")
    answers = (
        (status, _body(answer), escape(", ".join(answer.get("headers", {}))), _text(answer["description"]))
        for status, answer in operation["responses"].items()
        if status not in EVERYWHERE
    )
    return "\n".join([*parts, _table(("answer", "body", "headers", "meaning"), answers)])


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = (
        (
            f"<code>{field}</code>{'' if field in required else ' (optional)'}",
            _kind(part),
            _text(part.get("description", "")),
        )
        for field, part in schema.get("properties", {}).items()
    )
    about = f"<h3 id=body-{name}>{name}</h3><p>{_text(schema.get('description', ''))}</p>"
    return about + _table(("field", "is", "meaning"), rows)


def _kind(schema: dict[str, Any]) -> str:
    """What values the schema lets through, in some words."""
    if "$ref" in schema:
        return _link(schema)
    if "enum" in schema:
        return " or ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        most = f", 1 to {schema['maxItems']:,}" if "maxItems" in schema else ""
        return f"list of {_kind(schema['items'])}{most}"
    words = [str(schema.get("format") or schema.get("type", "anything"))]
    if "minimum" in schema and "maximum" in schema:
        words.append(f"{schema['minimum']:,} to {schema['maximum']:,}".removesuffix(".0"))
    if "maxLength" in schema:
        words.append(f"1 to {schema['maxLength']:,} characters")
    return ", ".join(words)


def _example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value as the schema's own examples have it; a word for what it is where they are silent."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "properties" in schema:
        return {name: _example(part, schemas) for name, part in schema["properties"].items()}
    if schema.get("type") == "array":
        return [_example(schema["items"], schemas)]
    return (schema.get("examples") or schema.get("enum") or [f"<{schema.get('type', 'anything')}>"])[0]


def _body(described: dict[str, Any]) -> str:
    """A link to the schema of a body."""
    for content in described.get("content", {}).values():
        schema = content["schema"]
        if "$ref" in schema:
            return _link(schema)
        return f"list of {_link(schema['items'])}" if "items" in schema else "text"
    return ""


def _link(schema: dict[str, Any]) -> str:
    name = schema["$ref"].rpartition("/")[2]
    return f"<a href=#body-{name}>{name}</a>"


def _meaning(parameter: dict[str, Any], schema: dict[str, Any]) -> str:
    return str(parameter.get("description") or schema.get("description", ""))


def _table(heads: tuple[str, ...], rows: Any) -> str:
    lines = ["<tr>" + "".join(f"<td>{cell}" for cell in row) for row in rows]
    return "\n".join(["<table><tr>" + "".join(f"<th>{head}" for head in heads), *lines, "</table>"])


def _text(text: str) -> str:
    """Text with `code` and **emphasis**."""
    pieces = escape(text).split("`")
    pieces[1::2] = [f"<code>{piece}</code>" for piece in pieces[1::2]]
    pieces = "".join(pieces).split("**")
    pieces[1::2] = [f"<strong>{piece}</strong>" for piece in pieces[1::2]]
    return "".join(pieces)
