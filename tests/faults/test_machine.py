"""The machine of the fault tests does what it was ordered to, and nothing else."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.faults.machine import Machine, faulty_machine

CLOCKS = "import time, datetime; print(time.time(), datetime.datetime.now().timestamp())"
WRITING = """
import os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.write(file, b"12")
print("written", flush=True)
input()
os.pwrite(file, b"34", 0)
try:
    os.pwrite(file, b"56", 2)
except OSError as error:
    print(error.errno)
os.fsync(file)
"""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Build a machine whose disk can be full in this test's folder."""
    with faulty_machine("/nowhere/", str(tmp_path)) as built:
        yield built


@pytest.mark.parametrize("seconds", [3600, -3600, 0])
def test_both_clocks_of_a_program_jump(machine: Machine, seconds: int) -> None:
    """A server must not read the true time through another door."""
    machine.step_clock(seconds)

    done = subprocess.run(
        [sys.executable, "-c", CLOCKS],
        env=os.environ | machine.environment,
        capture_output=True,
        check=True,
        text=True,
    )

    told = [float(clock) for clock in done.stdout.split()]
    assert [pytest.approx(time.time() + seconds, abs=600)] * 2 == told
    assert datetime.now(UTC).timestamp() == pytest.approx(time.time(), abs=600)


def test_a_full_disk_takes_what_needs_no_space(machine: Machine, tmp_path: Path) -> None:
    """Files that are there can be written again, as on a disk that is full."""
    program = subprocess.Popen(
        [sys.executable, "-c", WRITING, str(tmp_path / "file")],
        env=os.environ | machine.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdin
    assert program.stdout
    program.stdout.readline()

    machine.fill_disk(str(tmp_path))
    machine.slow_disk(0.05)
    told, _ = program.communicate("\n")

    assert "28\n" == told  # ENOSPC
    assert b"34" == (tmp_path / "file").read_bytes()
    assert 2 == machine.felt
