"""The OpenAPI 3.1 document, made from the table of operations and from the very types that validate."""

from __future__ import annotations

from collections import defaultdict
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

import msgspec

from loadtest.api import problems
from loadtest.api.operations import HEADERS
from loadtest.api.problems import KINDS, ProblemBody

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loadtest.api.operations import Answered, Operation

REFERENCES: Final = "#/components/schemas/{name}"

ABOUT: Final = """\
A shop as a CQRS system: commands go to a model made for writing, queries to read models made for reading, and
events carry the changes across, some time later.

A command that is acknowledged is durable. Its answer has the **Position** of its event; a read that sends it
back says what it wants to see, and every read says which positions it reflects (**Position**) and for how
long it has lacked something newer (**Position-Age**). Amounts are decimal numbers with two places. Errors are
problems as in RFC 9457, each with its cure.
"""


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The document of these operations, as JSON has it."""
    types = list(dict.fromkeys(_types(operations)))
    schemas, components = msgspec.json.schema_components(types, ref_template=REFERENCES)
    schema_of = {kind: _plain(schema) for kind, schema in zip(types, schemas, strict=True)}
    components = _plain(components)
    components["ProductChange"]["minProperties"] = 1
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for operation in operations:
        paths[operation.path][operation.method.lower()] = _operation(operation, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "cqrs-lab", "version": metadata.version("cqrs-lab"), "description": ABOUT},
        "paths": dict(paths),
        "components": {"schemas": components},
    }


def _types(operations: Sequence[Operation]) -> Iterable[Any]:
    yield ProblemBody
    for kind, _ in HEADERS.values():
        yield kind
    for operation in operations:
        for part in operation.parameters:
            yield part.type
        for answer in operation.answers:
            yield answer.type
        yield operation.body


def _plain(schema: Any) -> Any:
    """The schema with amounts as the numbers that they are in JSON."""
    if isinstance(schema, dict):
        if schema.get("format") == "decimal":
            return {**{key: schema[key] for key in schema if key != "format"}, "type": "number"}
        return {key: _plain(part) for key, part in schema.items()}
    return [_plain(part) for part in schema] if isinstance(schema, list) else schema


def _operation(operation: Operation, schema_of: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.about,
        "parameters": [
            {
                "name": part.name,
                "in": part.where,
                "required": part.where == "path",
                "schema": schema_of[part.type],
                **({"description": part.about} if part.about else {}),
            }
            for part in operation.parameters
        ],
    }
    responses = {
        **{str(answer.status): _answer(answer, schema_of) for answer in operation.answers},
        **_problems(operation.all_problems, schema_of),
        "405": _problem(["wrong-method"], schema_of, ("Allow",)),
    }
    described["responses"] = dict(sorted(responses.items()))
    if operation.body is not None:
        content = {"application/json": {"schema": schema_of[operation.body]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _answer(answer: Answered, schema_of: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.about}
    if answer.headers or answer.may_have:
        described["headers"] = _headers(answer.headers, answer.may_have, schema_of)
    if answer.type is not None:
        described["content"] = {answer.media_type: {"schema": schema_of[answer.type]}}
    return described


def _problems(names: Sequence[str], schema_of: dict[Any, Any]) -> dict[str, Any]:
    by_status: dict[int, list[str]] = defaultdict(list)
    for name in names:
        by_status[KINDS[name].status].append(name)
    return {str(status): _problem(kinds, schema_of) for status, kinds in by_status.items()}


def _problem(
    names: Sequence[str], schema_of: dict[Any, Any], headers: tuple[str, ...] = ()
) -> dict[str, Any]:
    kinds = [KINDS[name] for name in names]
    passing = [kind.may_pass for kind in kinds]
    always = (*headers, "Retry-After") if all(passing) else headers
    sometimes = ("Retry-After",) if any(passing) and not all(passing) else ()
    described: dict[str, Any] = {
        "description": " ".join(f"{kind.title} (`{kind.name}`)." for kind in kinds),
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": REFERENCES.format(name="ProblemBody")}}},
    }
    if always or sometimes:
        described["headers"] = _headers(always, sometimes, schema_of)
    return described


def _headers(always: Iterable[str], sometimes: Iterable[str], schema_of: dict[Any, Any]) -> dict[str, Any]:
    return {
        name: {"required": required, "description": HEADERS[name][1], "schema": schema_of[HEADERS[name][0]]}
        for names, required in ((always, True), (sometimes, False))
        for name in names
    }
