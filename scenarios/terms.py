"""A term: a name with arguments in parentheses, as in `gamma(10ms, scv 4)`; terms may stand in terms."""

import re

from scenarios.errors import ScenarioError, quoted

_TERM = re.compile(r"([A-Za-z_][\w-]*)\s*\((.*)\)", re.DOTALL)
_DEEPEST = 20


def split(text: str) -> tuple[str, list[str]] | None:
    """The name and the arguments of a term; None for text without parentheses.

    >>> split("mix(0.5: exp(1ms), 0.5: gamma(1ms, scv 2))")
    ('mix', ['0.5: exp(1ms)', '0.5: gamma(1ms, scv 2)'])
    """
    body = text.strip()
    if "(" not in body and ")" not in body:
        return None
    match = _TERM.fullmatch(body)
    if match is None:
        raise ScenarioError(f'{quoted(text)} is not of the form "name(…)"; check its parentheses.')
    name, inside = match.groups()
    depth = start = 0
    arguments = []
    for at, letter in enumerate(inside):
        depth += (letter == "(") - (letter == ")")
        if not 0 <= depth <= _DEEPEST:
            break
        if letter == "," and depth == 0:
            arguments.append(inside[start:at].strip())
            start = at + 1
    if depth:
        raise ScenarioError(
            f"{quoted(text)} has parentheses that do not match or stand {_DEEPEST} deep; "
            "close each one that is opened."
        )
    last = inside[start:].strip()
    return name, [*arguments, last] if arguments or last else []
