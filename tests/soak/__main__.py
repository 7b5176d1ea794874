"""Many requests for a long time, while servers, databases and networks fail.

python -m tests.soak [--minutes 30] [--seed 1] [--callers 6] [--parts 3] [--report FILE]

Ends with 0 when everything that was acknowledged is there once, and no answer was wrong. Whatever
it started ends with it, also when it is interrupted.
"""

import signal
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from random import SystemRandom
from types import FrameType

from tests.soak.report import report
from tests.soak.running import Course, Plan, soak
from tests.soak.scene import scene_in

_START = time.monotonic()


def main() -> int:
    """Run a soak and print its report; return the exit code."""
    options = arguments()
    # SIGINT too: who starts this in the background of a script leaves it ignored otherwise.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    plan = Plan(options.minutes * 60, options.parts, options.callers, seed=options.seed)
    with tempfile.TemporaryDirectory(prefix="registrary-soak-") as folder:
        try:
            course = course_of(plan, Path(folder))
        except KeyboardInterrupt:
            said("interrupted; everything that was started has ended")
            return 130
    text = report(course)
    sys.stdout.write(f"{text}\n")
    if options.report:
        Path(options.report).write_text(f"{text}\n", encoding="utf-8")
    return 1 if course.findings else 0


def arguments() -> Namespace:
    """Return what was asked for."""
    parser = ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--parts", type=int, default=3, help="how often everything is examined")
    parser.add_argument("--callers", type=int, default=6)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10_000))
    parser.add_argument("--report", help="a file to put the report in")
    return parser.parse_args()


def course_of(plan: Plan, folder: Path) -> Course:
    """Set the scene in *folder* and run."""
    said(f"seed {plan.seed}; starting a primary, a standby, a pooler and two nodes")
    with scene_in(folder) as scene:
        return soak(scene, plan, said)


def said(text: str) -> None:
    """Print *text* with the time since the beginning."""
    sys.stdout.write(f"{time.monotonic() - _START:7.1f} s  {text}\n")
    sys.stdout.flush()


def interrupted(_number: int, _frame: FrameType | None) -> None:
    """Unwind as Ctrl-C does."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
