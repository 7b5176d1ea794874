"""The garbage collector of a server."""

import subprocess
import sys

PROGRAM = """
import gc
from registrary.wiring.collector import hold_collector, settle_collector
before = gc.get_threshold()[0]
hold_collector()
print(gc.isenabled())
settle_collector()
print(gc.get_freeze_count() > 1000, gc.get_threshold()[0] > before, gc.isenabled())
"""


def test_what_exists_at_the_start_is_never_looked_at_again():
    """A look at everything, several times a registration, would cost a tenth of the CPU."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )

    assert "False\nTrue True True\n" == done.stdout
