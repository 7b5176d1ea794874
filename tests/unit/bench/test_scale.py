from bench.comparison import Report
from bench.figures import Sample
from bench.scale import Growth, catalogue, growth


def measured(server: str, cpu: float) -> Sample:
    """Make a sample of reads on *server*."""
    return Sample(
        server=server,
        operation="read",
        connections=16,
        round=0,
        answers=100,
        requests_per_second=1000.0,
        cpu=cpu,
        database_cpu=0.0,
        median_ms=1.0,
        p99_ms=2.0,
    )


def test_growth_is_told_against_the_smallest_store():
    """Whether a million clients are too many is a question about a ratio."""
    report = Report(samples=[measured("small", 50.0), measured("great", 75.0)])

    found = growth(report, ["small", "great"], ["read", "token"])

    assert [Growth("read", "great", 1.5)] == found


def test_every_size_is_a_server_with_a_stock_of_its_own():
    """Sizes are compared side by side, so each is there at the same time."""
    found = catalogue("postgres", [1000, 100_000])

    assert {"postgres-1000": 1000, "postgres-100000": 100_000} == {
        name: server.stock for name, server in found.items()
    }
    assert all(server.needs_postgres for server in found.values())
