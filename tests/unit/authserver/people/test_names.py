"""One person has one name, however it is typed."""

import pytest

from registrary.authserver.people.names import local_name, mail_domain


@pytest.mark.parametrize(
    "typed", ["anna", "Anna", " ANNA ", "\uff41nna"], ids=["plain", "case", "blanks", "width"]
)
def test_the_same_name_typed_otherwise_is_the_same(typed):
    """Two people who look the same in a list are an invitation to impersonate."""
    assert "local:anna" == local_name(typed)


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("anna@Example.COM", "example.com"),
        ("an@na@example.com", "example.com"),
        ("anna", None),
        ("@example.com", None),
        ("anna@", None),
    ],
)
def test_the_domain_of_an_address_is_what_follows_the_last_sign(typed, domain):
    """It chooses who is asked for the password, so it has one reading."""
    assert domain == mail_domain(typed)
