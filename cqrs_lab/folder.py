"""The run folder: it appears whole under its final name, or not at all.

A run is written into a hidden folder beside its final place and renamed when it is complete. If anything
goes wrong before that, the hidden folder is removed.
"""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


class FolderError(Exception):
    """The run folder cannot be made; the message says which and what to do."""


@dataclass(slots=True)
class RunFolder:
    """A folder being filled at `path`; `final` is its name once it is whole."""

    path: Path
    final: Path


@contextlib.contextmanager
def run_folder(
    scenario: str, seed: int, out: Path | None, root: Path = Path("runs"), option: str = "--out"
) -> Iterator[RunFolder]:
    """A folder to fill; on leaving without an error it gets its final name, otherwise it vanishes.

    The final name is `out`, or `<root>/<scenario>/<UTC stamp>-s<seed>`, which `<root>/latest` then points to.
    `option` is what a user names another folder with.

    Raises:
        FolderError: it cannot be written, or `out` is there already.

    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    final = out if out is not None else root / scenario / f"{stamp}-s{seed}"
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FolderError(f"{out} is there already; remove it or name another folder with {option}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(prefix=f".{final.name}.", suffix=".partial", dir=final.parent))
        path.chmod(0o755)
        (path / "tables").mkdir()
    except OSError as error:
        raise FolderError(
            f"cannot write {final}: {error.strerror or error}; name a writable folder with {option}"
        ) from error
    folder = RunFolder(path, final)
    try:
        yield folder
        folder.final = _rename(path, final, exact=option if out is not None else None)
        if out is None:
            _point_latest(root, folder.final)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def explain(error: OSError) -> str:
    """What to tell the user about an error of the file system."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; nothing was kept of the run; free some space and run again"
    what = error.strerror or os.strerror(error.errno or 0) if error.errno else str(error)
    return f"{what}: {error.filename or 'the run folder'}; nothing was kept of the run"


def _rename(path: Path, final: Path, *, exact: str | None) -> Path:
    """Give the folder its final name; a second run within the same second gets a number.

    `exact` is the option that has named the folder, if one has: then no other name will do.
    """
    number = 1
    while True:
        name = final if number == 1 else final.with_name(f"{final.name}-{number}")
        try:
            path.rename(name)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            if exact:
                raise FolderError(
                    f"{final} has been filled meanwhile; name another folder with {exact}"
                ) from error
            number += 1
        else:
            return name


def _point_latest(root: Path, final: Path) -> None:
    """Let `<root>/latest` point to the folder; readers see the old one or the new one, never none."""
    link = root / f".latest.{os.getpid()}"
    link.symlink_to(final.relative_to(root), target_is_directory=True)
    link.replace(root / "latest")
