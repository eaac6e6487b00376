"""What an admin has done to a live system, and may still be doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtest.admin.faults import Faults
from loadtest.admin.projections import Projections

if TYPE_CHECKING:
    from loadtest.system.livesystem import LiveSystem


class Admin:
    """The faults that were injected, and what was done to projections."""

    def __init__(self, system: LiveSystem) -> None:
        self.faults = Faults(system)
        self.projections = Projections(system)

    def close(self) -> None:
        """Heal every fault and resume every projection, so that the system can come to rest."""
        self.faults.heal_all()
        self.projections.resume_all()
