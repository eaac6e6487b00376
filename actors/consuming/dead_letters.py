"""The dead letters of one consumer: events put aside, with all that is needed to try them again."""

from collections import Counter

import msgspec

from actors.messages import Record
from actors.stores.port import Change, Delete, Put, Store
from actors.tables import DEAD_LETTERS, DeadLetterRow

ERROR_LENGTH_MAX = 500

_decoder = msgspec.json.Decoder(Record)


class DeadLetters:
    """What a consumer has parked. One method makes a change to its store, another notes that it is made.

    >>> from actors.messages import InventoryUpdated
    >>> letters = DeadLetters("products")
    >>> record = Record("inventory", 3, 7, 0.0, InventoryUpdated(product_id=7, available=5))
    >>> letters.note(letters.letter(record, "no such store", attempts=1, now_s=2.5))
    >>> letters.holds_key("inventory", 7), [record.position for record in letters.records()]
    (True, [3])
    """

    def __init__(self, consumer: str) -> None:
        self._consumer = consumer
        self._letters: dict[tuple[str, int], DeadLetterRow] = {}
        self._keys: Counter[tuple[str, int]] = Counter()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._letters)

    def load(self, store: Store) -> None:
        """Read what the store has."""
        self._letters.clear()
        self._keys.clear()
        for row in store.scan(DEAD_LETTERS):
            if row.consumer == self._consumer:
                self.note(row)

    def letter(self, record: Record, error: str, attempts: int, now_s: float) -> DeadLetterRow:
        """The letter that this record becomes; `Put(DEAD_LETTERS, letter)` makes it durable."""
        return DeadLetterRow(
            self._consumer,
            record.source,
            record.position,
            record.key,
            msgspec.json.encode(record).decode(),
            error[:ERROR_LENGTH_MAX],
            attempts,
            now_s,
        )

    def note(self, letter: DeadLetterRow) -> None:
        """Take note of a letter that is durable."""
        place = (letter.source, letter.position)
        if place not in self._letters:
            self._keys[letter.source, letter.key] += 1
        self._letters[place] = letter

    def removal(self, record: Record) -> Change:
        """What takes the record's letter away."""
        return Delete(DEAD_LETTERS, (self._consumer, record.source, record.position))

    def forget(self, record: Record) -> None:
        """Take note that the record's letter is gone."""
        letter = self._letters.pop((record.source, record.position), None)
        if letter is not None:
            self._keys[letter.source, letter.key] -= 1

    def holds(self, record: Record) -> bool:
        """Whether this very event is parked."""
        return (record.source, record.position) in self._letters

    def holds_key(self, source: str, key: int) -> bool:
        """Whether some event of this key is parked."""
        return self._keys[source, key] > 0

    def records(self) -> list[Record]:
        """The parked events in the order of their logs."""
        return [_decoder.decode(self._letters[place].record) for place in sorted(self._letters)]


def put(letter: DeadLetterRow) -> Change:
    """What makes a letter durable."""
    return Put(DEAD_LETTERS, letter)
