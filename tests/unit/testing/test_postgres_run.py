"""One PostgreSQL serves a whole run of the tests, and no longer."""

import subprocess
import sys
import time
from pathlib import Path

from registrary.testing.postgres_run import shared_cluster

USER = """
import sys, time
from pathlib import Path
from registrary.testing.postgres_run import shared_cluster

with shared_cluster(Path(sys.argv[1]), lambda cluster: None) as cluster:
    print(cluster.folder, flush=True)
    time.sleep(600)
"""


def is_gone(folder: Path) -> bool:
    """Tell whether *folder* goes away within the time a busy machine may take."""
    end = time.monotonic() + 30
    while time.monotonic() < end and folder.exists():
        time.sleep(0.05)
    return not folder.exists()


def test_processes_of_a_run_share_one_cluster(tmp_path):
    """Each worker with a server of its own would spend the time of the tests on starting it."""
    prepared: list[str] = []
    line = [sys.executable, "-c", USER, str(tmp_path)]
    with (
        shared_cluster(tmp_path, lambda cluster: prepared.append(cluster.sql("select 1"))) as one,
        subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as other,
    ):
        assert other.stdout

        joined = other.stdout.readline().strip()
        other.kill()

    assert (str(one.folder), ["1"]) == (joined, prepared)


def test_the_cluster_ends_with_the_last_who_uses_it(tmp_path):
    """A run that is killed leaves nothing behind, and one worker's death takes nothing away."""
    line = [sys.executable, "-c", USER, str(tmp_path)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        folder = Path(starter.stdout.readline().strip())
        with shared_cluster(tmp_path, lambda _: None) as cluster:
            starter.kill()
            starter.wait()

            answer = cluster.sql("select 1")

    assert ("1", True) == (answer, is_gone(folder))


def test_a_run_that_comes_later_starts_its_own(tmp_path):
    """What is left of an older run in the same place leads nowhere."""
    with shared_cluster(tmp_path, lambda _: None) as first:
        folder = first.folder
    assert is_gone(folder)

    with shared_cluster(tmp_path, lambda _: None) as second:
        answer = second.sql("select 1")

    assert "1" == answer
