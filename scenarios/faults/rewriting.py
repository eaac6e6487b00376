"""A message with some of its fields renamed, removed or set anew, as its reader would find it.

>>> from actors.messages import ProductRenamed
>>> event = ProductRenamed(product_id=3, name="Sofa")
>>> rewritten(event, lambda field, value: (field, 4 if field == "product_id" else value))
ProductRenamed(product_id=4, name='Sofa')
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

M = TypeVar("M", bound=msgspec.Struct)

Rewrite = Callable[[str, Any], tuple[str, Any] | None]
"""What becomes of a field with this value: its name and value, or None if it is removed."""


def rewritten(message: M, rewrite: Rewrite) -> M:
    """The message after every field, also of the structs inside, has been rewritten.

    Raises:
        msgspec.ValidationError: what came out is no such message: a field that must be there is not, or has
            a value of another kind.

    """
    return msgspec.convert(_walk(msgspec.to_builtins(message), rewrite), type(message))


def _walk(value: Any, rewrite: Rewrite) -> Any:
    if isinstance(value, dict):
        fields = (rewrite(field, _walk(inner, rewrite)) for field, inner in value.items())
        return dict(field for field in fields if field is not None)
    if isinstance(value, list | tuple):
        return [_walk(inner, rewrite) for inner in value]
    return value
