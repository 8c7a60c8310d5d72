"""The catalogue of faults is what the processes obey and what the scenarios make."""

from pathlib import Path

import pytest

from fakes import faults
from fakes.faults.fault import PROCESSES, FaultKind
from fakes.stack.control_plane import OWN_FAULTS
from fakes.stack.supervisor import PARTS
from scenarios.load import load, names


def test_each_fault_has_a_file_of_its_name() -> None:
    files = {file.stem.replace("_", "-") for file in Path(faults.__file__).parent.glob("*.py")}
    assert files - {"--init--", "fault"} == set(faults.CATALOGUE)


def test_the_supervisor_obeys_what_it_owns() -> None:
    assert set(faults.of("stack")) == set(OWN_FAULTS)


def test_every_process_can_be_a_target() -> None:
    assert set(PARTS) <= set(PROCESSES)


@pytest.mark.parametrize("fault", faults.CATALOGUE.values(), ids=faults.CATALOGUE)
def test_every_fault_says_how_its_effect_is_seen(fault: FaultKind) -> None:
    assert fault.observed


def test_the_suites_own_faults_can_be_made() -> None:
    made = [fault for name in names() for fault in load(name).faults]
    assert {fault.fault for fault in made} <= set(faults.CATALOGUE)
