"""The dead letters of all consumers: what is in them, and trying them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from actors.messages import Record
from actors.tables import DEAD_LETTERS
from loadtest.admin.bodies import DeadLetter, DeadLetters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors.tables import DeadLetterRow
    from loadtest.system.livesystem import LiveSystem

_decoder: Final = msgspec.json.Decoder(Record)


def listed(system: LiveSystem, consumers: Sequence[str], skip: int, limit: int) -> DeadLetters:
    """The consumers' letters by consumer, log and position, from one on; and how many there are.

    Raises:
        StoreError: a store does not answer.

    """
    rows = [
        row for name in consumers for row in system.stores[name].scan(DEAD_LETTERS) if row.consumer == name
    ]
    return DeadLetters(len(rows), [_letter_of(row) for row in rows[skip : skip + limit]])


def _letter_of(row: DeadLetterRow) -> DeadLetter:
    event = _decoder.decode(row.record).event
    return DeadLetter(
        row.consumer,
        row.source,
        row.position,
        row.key,
        type(event).__name__,
        msgspec.structs.asdict(event),
        row.error,
        row.attempts,
    )
