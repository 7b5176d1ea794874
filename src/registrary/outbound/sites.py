"""Which hosts are probably in one hand."""

from typing import Final

from registrary.core.addresses import source_key

# Second-level labels under which registries of countries sell names: example.co.uk, example.com.au.
_REGISTRY_LABELS: Final = frozenset(
    {"ac", "co", "com", "edu", "gob", "gouv", "gov", "ltd", "mil", "ne", "net", "nom", "or", "org"}
)
_COUNTRY_CODE: Final = 2  # characters, and of no other kind of top-level domain


def site_of(host: str) -> str:
    """Return what *host* (lower-case, without brackets) shares with its neighbours.

    Whoever holds a domain has any number of names below it, so what counts by host counts by
    domain, too. Where the domain begins is guessed: the list that knows is long, changes every
    week, and a wrong guess only puts strangers together. An IPv6 address stands for its /64.
    """
    if ":" in host or host[-1:].isdigit():
        return source_key(host)
    labels = host.split(".")
    is_country = len(labels[-1]) == _COUNTRY_CODE
    kept = 3 if is_country and labels[-2:-1] and labels[-2] in _REGISTRY_LABELS else 2
    return ".".join(labels[-kept:])
