"""Python's garbage collector, set for a server that lives long and answers often."""

import gc
from typing import Final

SETTLE_AFTER: Final = 0.5  # seconds of serving: it takes a tenth of one, and the first answer waits
YOUNG_OBJECTS: Final = 10_000  # more containers made than freed before the young are looked at
MIDDLE_ROUNDS: Final = 20  # looks at the young before one at those that survived
OLD_ROUNDS: Final = 50


def hold_collector() -> None:
    """Collect nothing until `settle_collector`: what is loaded at a start stays anyway.

    Looking through it again and again while it grows takes a fifth of the start.
    """
    gc.disable()


def settle_collector() -> None:
    """Leave out of every later collection what exists now: modules, tables, routes, issuers.

    With Python's own settings a collection runs several times within one registration and, as
    the process holds a quarter of a million objects by then, takes a tenth of the CPU. Little of
    a request is cyclic; reference counts free it at once.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, MIDDLE_ROUNDS, OLD_ROUNDS)
    gc.enable()
