"""A soak: callers at work, mishaps in between, and now and then a look at what is there."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.faults.load import Load
from tests.soak.book import Book
from tests.soak.examination import Examined, examine, wait_until_sequenced
from tests.soak.guests import SOAK_MIX, Guest
from tests.soak.mishaps import Happening, deck, happen
from tests.soak.scene import Scene

SAMPLE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long callers work, in *parts* between which all is examined, and how hard.

    *quiet* is how long nothing happens before the next mishap, in seconds.
    """

    seconds: float
    parts: int = 3
    callers: int = 6
    pause: float = 0.03
    quiet: tuple[float, float] = (8.0, 20.0)
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Chance:
    """What decides when something happens, and what."""

    random: Random
    kinds: Iterator[str]


@dataclass(slots=True)
class Course:
    """What happened, in order."""

    plan: Plan
    book: Book = field(default_factory=Book)
    parts: list[tuple[float, float]] = field(default_factory=list)  # when callers worked
    happenings: list[Happening] = field(default_factory=list)
    memory: list[tuple[float, dict[str, int]]] = field(default_factory=list)
    examined: list[Examined] = field(default_factory=list)
    failure: str = ""  # what ended the soak before its time

    @property
    def findings(self) -> list[str]:
        """Return everything that is not as it should be."""
        found = [text for examined in self.examined for text in examined.findings]
        return [*dict.fromkeys(found), *([self.failure] if self.failure else [])]


def soak(scene: Scene, plan: Plan, tell: Callable[[str], None]) -> Course:
    """Let callers work on *scene* while things happen to it; return what came of it."""
    course, random = Course(plan), Random(plan.seed)
    chance = Chance(random, deck(random))
    watching = threading.Event()
    watcher = threading.Thread(target=watch_memory, args=(scene, course, watching), daemon=True)
    watcher.start()
    try:
        for part in range(plan.parts):
            work(scene, course, chance, tell=tell)
            tell(f"part {part + 1} of {plan.parts}: {course.book.sent} requests; looking at all")
            course.examined.append(look(scene, course.book))
            tell(f"findings: {course.examined[-1].findings or 'none'}")
    except (AssertionError, RuntimeError) as error:
        course.failure = f"the soak ended early: {error!r}"[:2000]
    finally:
        watching.set()
        watcher.join()
    return course


def work(scene: Scene, course: Course, chance: Chance, *, tell: Callable[[str], None]) -> None:
    """Let callers work for one part of the time, while mishaps happen."""
    plan, start = course.plan, time.monotonic()
    end = start + plan.seconds / plan.parts
    guests = [
        Guest(scene.urls, course.book, first=number, pause=plan.pause)
        for number in range(plan.callers)
    ]
    load = Load(course.book, list(guests), dict(SOAK_MIX))
    load.start()
    try:
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, chance.random.uniform(*plan.quiet)))
            if load.broken or time.monotonic() >= end:
                break
            happening = happen(next(chance.kinds), scene, chance.random)
            course.happenings.append(happening)
            tell(f"{happening.kind}: well again after {happening.end - happening.start:.1f} s")
    finally:
        load.close()
        course.parts.append((start, time.monotonic()))


def look(scene: Scene, book: Book) -> Examined:
    """Hold all that was acknowledged against the store, and have the log verified."""
    scene.wait_until_ready()
    wait_until_sequenced(scene.nodes[1])
    found = examine(scene.urls[1], book)
    found.findings += scene.verify()
    return found


def watch_memory(scene: Scene, course: Course, enough: threading.Event) -> None:
    """Note every few seconds what the parts hold; one that is down holds nothing worth noting."""
    while not enough.wait(SAMPLE_SECONDS):
        try:
            course.memory.append((time.monotonic(), scene.memory()))
        except (OSError, ValueError, IndexError):
            continue
