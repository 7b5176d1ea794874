"""The garbage collector of a server."""

import subprocess
import sys

PROGRAM = """
import gc
from registrary.wiring.collector import settle_collector
before = gc.get_threshold()[0]
settle_collector()
print(gc.get_freeze_count() > 1000, gc.get_threshold()[0] > before, gc.isenabled())
"""


def test_what_exists_at_the_start_is_never_looked_at_again():
    """A look at everything, several times a registration, would cost a tenth of the CPU."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )

    assert "True True True\n" == done.stdout
