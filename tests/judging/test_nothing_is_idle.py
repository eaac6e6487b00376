"""Whatever a scenario file may say has somebody who carries it out, measures it or judges it."""

from reports.judging.checkers import CHECKERS
from reports.measures.table import MEASURES
from scenarios import expectations, presets
from scenarios.faultkinds import KINDS
from scenarios.faults import BEGIN, BEGIN_ON_LOAD
from scenarios.presets import names


def test_every_kind_of_fault_is_carried_out() -> None:
    assert set(BEGIN) | set(BEGIN_ON_LOAD) == {name for name, kind in KINDS.items() if not kind.pattern}


def test_every_measure_is_measured_and_every_checker_judges() -> None:
    assert set(MEASURES) == set(expectations.MEASURES)
    assert set(CHECKERS) == set(expectations.CHECKERS)


def test_every_preset_has_its_file() -> None:
    assert all(presets.find(name).is_file() for name in names())
