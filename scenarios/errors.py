"""What is wrong with a scenario, in the words of the person who wrote it."""

import difflib
import json
from collections.abc import Iterable


class ScenarioError(Exception):
    """One message that names the file, the key, the value, the nearest valid word, and what to write instead.

    The parsers of single values leave out the file and the key; `scenarios.file` puts them in front.
    """


def quoted(text: str) -> str:
    """The text in double quotes, as it would stand in the file.

    >>> print(quoted('exp(10ms)'))
    "exp(10ms)"
    """
    return json.dumps(text, ensure_ascii=False)


def listed(words: Iterable[str]) -> str:
    """The words, each in double quotes, with commas between them."""
    return ", ".join(quoted(word) for word in words)


def nearest(word: str, valid: Iterable[str]) -> str:
    """The valid word that looks most like `word`; there must be at least one.

    >>> nearest("placehoder", ["wait", "placeholder", "carried"])
    'placeholder'
    """
    folded = {choice.casefold(): choice for choice in valid}
    return folded[difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.0)[0]]


def unknown(word: str, what: str, valid: Iterable[str]) -> ScenarioError:
    """The error for a word that is not one of the valid ones, `what` saying what it should have been.

    >>> print(unknown("palceholder", "a value of join", ["wait", "placeholder"]))
    "palceholder" is not a value of join; the nearest is "placeholder". Write one of "wait", "placeholder".
    """
    words = list(valid)
    return ScenarioError(
        f"{quoted(word)} is not {what}; the nearest is {quoted(nearest(word, words))}. "
        f"Write one of {listed(words)}."
    )
