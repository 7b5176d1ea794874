"""A process that moves a store and is killed on the way; run by the tests beside it.

python mover.py SOURCE TARGET STAGE ROWS

It kills itself, as the kernel would, once so many rows of the stage are done.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable

from registrary.config import load_settings
from registrary.wiring.carrying.moving import move_store


def stages_until(stage: str, rows: int) -> Callable[[str], Callable[[int, int], None]]:
    """Return what is told of stages, and ends the process in one of them."""

    def begin(begun: str) -> Callable[[int, int], None]:
        def tell(done: int, _: int) -> None:
            if begun == stage and done >= rows:
                os.kill(os.getpid(), signal.SIGKILL)

        return tell

    return begin


def main(source: str, target: str, stage: str, rows: str) -> None:
    """Move the store as far as that goes."""
    settings = load_settings(flags={"store": target}, environment=os.environ, config_file=None)
    asyncio.run(move_store(settings, source, stages=stages_until(stage, int(rows))))


if __name__ == "__main__":
    main(*sys.argv[1:])
