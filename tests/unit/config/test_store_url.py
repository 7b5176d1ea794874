"""A store's URL says which kind it is, and whether it may be seen."""

import pytest

from registrary.config.store_url import holds_password


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://user:secret@db.example/registrary", True),
        ("postgresql://user:secret@one.example:5432,two.example/registrary", True),
        ("postgresql://db.example/registrary?user=u&password=secret", True),
        ("postgresql://user@db.example:5432/registrary", False),
        ("postgresql://db.example:5432/registrary?user=u", False),
        ("postgresql:///registrary?host=/run/postgresql", False),
        ("sqlite:////srv/a:b@c.db", False),
    ],
)
def test_a_password_in_a_url_is_seen(url, expected):
    """On a command line every account of the machine sees it too."""
    assert expected == holds_password(url)
