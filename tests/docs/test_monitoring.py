"""Whoever watches a server with the rules we give is called when something is wrong."""

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from registrary.testing.server import ADMIN_TOKEN, running_server
from registrary.testing.stores import PostgresStores

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations"
METRIC = re.compile(r"\bregistrary_\w+")
DURATION = re.compile(r"[0-9]+(ms|s|m|h|d)")
SEVERITIES = {"critical", "warning"}
POSTGRES = pytest.mark.only_on("postgres", because="a server shows the most on it")


def rules() -> list[dict[str, Any]]:
    """Return every rule of the file."""
    document = yaml.safe_load((OPERATIONS / "alerts.yml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, databases: PostgresStores) -> dict[str, str]:
    """Return the metrics of a server on PostgreSQL, which shows the most, with their types."""
    with running_server(tmp_path_factory.mktemp("metrics"), stores=databases) as server:
        headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
        text = httpx2.get(f"{server.url}/metrics", headers=headers, trust_env=False).text
    # Each counter comes with a gauge of when it was made, which nobody asks for.
    types = re.findall(r"^# TYPE (registrary_\w+) (\w+)$", text, re.MULTILINE)
    return {name: kind for name, kind in types if not name.endswith("_created")}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_is_one_that_prometheus_takes(rule: dict[str, Any]) -> None:
    """A file that does not load alerts nobody, and says so only in a log."""
    known = {"alert", "expr", "for", "labels", "annotations"}

    assert set(rule) <= known
    assert {"alert", "expr", "labels", "annotations"} <= set(rule)
    assert rule["labels"]["severity"] in SEVERITIES
    assert DURATION.fullmatch(rule.get("for", "0s"))
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["expr"].count("(") == rule["expr"].count(")")


@POSTGRES
@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_asks_for_metrics_that_are_there(
    rule: dict[str, Any], shown: dict[str, str]
) -> None:
    """Prometheus finds nothing wrong with a metric that nobody shows, and never alerts."""
    asked = METRIC.findall(rule["expr"])
    series = set(shown) | {f"{name}_bucket" for name, kind in shown.items() if kind == "histogram"}

    assert set(asked) <= series
    assert asked or rule["expr"].startswith("up{")


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_the_page_says_what_to_do(rule: dict[str, Any]) -> None:
    """Who is woken at night needs the next step more than the name of the trouble."""
    page = (OPERATIONS / "monitoring.md").read_text(encoding="utf-8")

    assert f"| {rule['alert']} |" in page


@POSTGRES
def test_the_page_lists_every_metric_and_no_other(shown: dict[str, str]) -> None:
    """A dashboard is built from the list."""
    page = (OPERATIONS / "monitoring.md").read_text(encoding="utf-8")
    table = page[page.index("## What there is") : page.index("## What to do")]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]

    listed = {name for cell in cells for name in METRIC.findall(cell)}
    in_use = "registrary_store_connections_in_use"
    connections = {in_use.replace("in_use", suffix) for suffix in ("open", "limit")}

    assert set(shown) == listed | connections
