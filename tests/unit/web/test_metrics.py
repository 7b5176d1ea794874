from prometheus_client.parser import text_string_to_metric_families

from registrary.web.gateway import RequestSummary
from registrary.web.metrics import Metrics


def finished(template="/register", status=201, *, microseconds=100):
    """Return what is told of a finished request."""
    return RequestSummary("POST", template, status, microseconds, 10, "reference-1", "192.0.2.1")


def samples(metrics):
    """Return every sample as Prometheus reads it, by name and labels in order."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def test_requests_are_counted_by_method_route_and_status():
    """What operators alert on: refusals per route, and how many there are of all."""
    metrics = Metrics()
    for status in (201, 201, 400):
        metrics.note(finished(status=status))

    counted = samples(metrics)

    assert 2 == counted["registrary_requests_total", "POST", "/register", "201"]
    assert 1 == counted["registrary_requests_total", "POST", "/register", "400"]
    assert 3 == counted["registrary_request_seconds_count", "/register"]


def test_times_are_in_seconds():
    """Prometheus has one unit for time, and dashboards take it for granted."""
    metrics = Metrics()
    metrics.note(finished(microseconds=1_500))

    counted = samples(metrics)

    assert 0.0015 == counted["registrary_request_seconds_sum", "/register"]
    assert 0 == counted["registrary_request_seconds_bucket", "0.001", "/register"]
    assert 1 == counted["registrary_request_seconds_bucket", "0.0025", "/register"]


def test_requests_without_a_route_share_one_name():
    """A scanner's thousand paths must not become a thousand series."""
    metrics = Metrics()
    for _ in range(3):
        metrics.note(finished(template="", status=404))

    assert 3 == samples(metrics)["registrary_requests_total", "POST", "(none)", "404"]


def test_nobody_is_named():
    """Metrics are shown to more people than logs are."""
    metrics = Metrics()
    metrics.note(finished())

    text = metrics.text()

    assert b"192.0.2.1" not in text
    assert b"reference-1" not in text


def test_nothing_is_lost_or_counted_twice_while_nobody_asks():
    """A server that is never scraped must not remember every request it had."""
    metrics = Metrics()
    for _ in range(2_500):
        metrics.note(finished())

    first, second = samples(metrics), samples(metrics)

    assert 2_500 == first["registrary_requests_total", "POST", "/register", "201"]
    assert first == second


def test_one_of_several_processes_gives_its_name():
    """Counters of two processes under one name would go up and down."""
    metrics = Metrics("4711")
    metrics.note(finished())

    counted = samples(metrics)

    assert 1 == counted["registrary_requests_total", "POST", "4711", "/register", "201"]
    assert 1 == counted["registrary_request_seconds_count", "4711", "/register"]


def test_messages_are_counted_by_what_came_of_them():
    """Receivers that are away show here first, and what was given up is somebody's to look at."""
    metrics = Metrics()
    for outcome in ("failed", "failed", "delivered"):
        metrics.note_message("backchannel_logout", outcome)

    counted = samples(metrics)

    assert 2 == counted["registrary_messages_total", "failed", "backchannel_logout"]
    assert 1 == counted["registrary_messages_total", "delivered", "backchannel_logout"]
