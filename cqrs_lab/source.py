"""What scenarios are read from: a text, its data files, and the settings put over it.

Patterns of faults are drawn from the seed, so a scenario is read anew for every seed. A source is plain data
and needs no file beside it, so that another process, or another machine, can read it.

>>> source = Source(name="quiet.toml", text='name = "quiet"', settings=("policy.join=carried",))
>>> source.read(seed=7).policy.consumer.join
'carried'
>>> source.command(7)
'cqrs-lab run quiet.toml --seed 7 --set policy.join=carried'
"""

from __future__ import annotations

import shlex
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenarios import library
from scenarios.data import write_numbers
from scenarios.errors import ScenarioError
from scenarios.file import data_files, loads, read, table_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scenarios.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """`name` is what the user calls it: a scenario of the library, or a path.

    `data` holds the numbers of the data files that the scenario refers to, by their names.
    """

    name: str
    text: str
    settings: tuple[str, ...] = ()
    data: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def find(cls, name_or_file: str, settings: Sequence[str] = ()) -> Source:
        """The source of this scenario of the library, or in this file, once it is known to be valid.

        Raises:
            ScenarioError: there is none, or it is not valid with these settings.

        """
        path = library.find(name_or_file)
        try:
            scenario = read(path, settings)
        except ScenarioError as error:  # in the user's own words, not by a path inside the package
            raise ScenarioError(f"{name_or_file}: {str(error).removeprefix(f'{path}: ')}") from None
        text = path.read_text(encoding="utf-8")
        return cls(name=name_or_file, text=text, settings=tuple(settings), data=data_files(scenario))

    def read(self, seed: int | None = None) -> Scenario:
        """The scenario with this seed; None: with its own.

        Raises:
            ScenarioError: it is not valid.

        """
        if not self.data:
            return self._loads(Path(), seed)
        with tempfile.TemporaryDirectory(prefix="cqrs-lab-") as name:
            self.write_data(Path(name))
            return self._loads(Path(name), seed)

    def _loads(self, folder: Path, seed: int | None) -> Scenario:
        return loads(self.text, source=self.name, folder=folder, settings=self.settings, seed=seed)

    def with_settings(self, settings: Sequence[str]) -> Source:
        """The same with more settings put over it; they must need no other data files."""
        return replace(self, settings=(*self.settings, *settings))

    def write_data(self, folder: Path) -> None:
        """Put the data files into the folder."""
        for file, numbers in self.data.items():
            write_numbers(file, folder, numbers)

    @property
    def faults(self) -> tuple[Mapping[str, Any], ...]:
        """The rows of `[[fault]]`, settings and all, before patterns become rows of their own."""
        return tuple(table_of(self.text, source=self.name, settings=self.settings).get("fault", ()))

    def command(
        self, seed: int, command: str = "run", options: Mapping[str, str | int | None] | None = None
    ) -> str:
        """The command line that runs it again with this seed, and these options unless they are None."""
        words = ["cqrs-lab", command, self.name, "--seed", str(seed)]
        for setting in self.settings:
            words += ["--set", setting]
        for option, value in (options or {}).items():
            if value is not None:
                words += [option, str(value)]
        return shlex.join(words)
