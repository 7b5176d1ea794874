"""PostgreSQL of the tests does what tests of outages count on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from registrary.testing.postgres import DURABLE, Cluster

HOLDER = """
import time
from registrary.testing.postgres import Cluster

with Cluster.running() as cluster:
    print(cluster.folder, cluster.pid, flush=True)
    time.sleep(600)
"""


def test_a_standby_goes_on_where_its_dead_primary_stopped():
    """Tests of failover would prove nothing with a standby that lagged behind."""
    with Cluster.running(DURABLE) as primary, primary.standby(synchronous=True) as standby:
        primary.sql("create table proof (number int)")
        primary.sql("insert into proof values (1)")

        primary.kill()
        standby.promote()
        standby.sql("insert into proof values (2)")

        assert "1\n2" == standby.sql("select number from proof order by number")


def test_a_killed_cluster_starts_again_with_what_it_had():
    """A crash is an outage, and no loss."""
    with Cluster.running() as cluster, cluster.database() as url:
        name = url.rpartition("/")[2]
        cluster.sql("create table proof (number int); insert into proof values (1)", database=name)

        cluster.kill()
        cluster.start()

        assert "1" == cluster.sql("select number from proof", database=name)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "terminate"])
def test_a_cluster_ends_with_who_started_it(number: signal.Signals):
    """A run of the tests that is ended, with all its processes at once, leaves nothing behind."""
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as holder:
        assert holder.stdout
        folder, pid = holder.stdout.readline().split()

        end_all = os.kill if number is signal.SIGKILL else os.killpg
        end_all(holder.pid, number)

    end = time.monotonic() + 30
    while time.monotonic() < end and (Path(folder).exists() or Path(f"/proc/{pid}").exists()):
        time.sleep(0.05)
    assert (False, False) == (Path(folder).exists(), Path(f"/proc/{pid}").exists())


def test_text_is_sorted_as_people_do():
    """A query that forgets its collation shall fail here, and not at an operator's."""
    with Cluster.running() as cluster:
        found = cluster.sql("select x from (values ('B'), ('a'), ('b')) as v (x) order by x")

    assert "a\nb\nB" == found
