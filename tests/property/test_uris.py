"""No text makes the judge of URIs stumble, and what it lets through is what it says."""

import contextlib
from urllib.parse import urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from registrary.core.errors import FieldError
from registrary.core.uris import (
    _DOT_SEGMENT,
    _PLAIN,
    HOST_LIMIT,
    LOOPBACK_HOSTS,
    RedirectKind,
    check_host_name,
    check_https_uri,
    check_web_uri,
    host_of,
    matches,
    origin_of,
    redirect_kind,
    take_apart,
)

signs = st.text("htps:/@#?.[]%\\*&=;0127lcaeox-_ \t\n\x00é", max_size=40)
plain = st.text("abc019-./?=&:", max_size=20)
uris = (
    st.text(max_size=80)
    | plain.map("https://client.example".__add__)
    | plain.map("https://a".__add__)
    | plain.map("http://localhost".__add__)
    | plain.map("myapp:".__add__)
    | signs.map("https://".__add__)
    | signs.map("http://localhost".__add__)
    | signs.map("http://127.0.0.1".__add__)
    | signs.map("com.example.app:".__add__)
)


def kind_of(uri):
    """Return the kind of *uri*, or None when it is refused."""
    try:
        return redirect_kind(uri)
    except FieldError:
        return None


@given(uris)
@example("https://[::1")
@example("https://[]/")
@example("//")
def test_every_text_is_judged(uri):
    """An exception of another kind would be a 500 for whoever finds it."""
    for judge in (redirect_kind, check_web_uri, check_https_uri, host_of, origin_of):
        with contextlib.suppress(FieldError):
            judge(uri)


@given(uris)
def test_what_is_let_through_is_plain_ascii_without_traps(uri):
    """The URI goes into a header; a second reader must see the same place."""
    kind = kind_of(uri)

    if kind is not None:
        assert uri.isascii()
        assert uri.isprintable()
        assert not set('#\\ "<>') & set(uri)
    if kind in {RedirectKind.HTTPS, RedirectKind.LOOPBACK}:
        read_elsewhere = urlsplit(uri)
        assert read_elsewhere.username is None
        assert host_of(uri).strip("[]") == read_elsewhere.hostname


@given(uris)
def test_http_leads_to_this_machine_alone(uri):
    """A code sent over plain http to anyone else can be read on the way."""
    kind = kind_of(uri)

    if kind is not None and uri.lower().startswith("http:"):
        assert RedirectKind.LOOPBACK is kind
        assert host_of(uri) in LOOPBACK_HOSTS


@given(uris, uris | st.none())
def test_matching_means_equal_but_for_the_port_on_loopback(registered, requested):
    """Whatever else was loosened would be a redirect to somewhere else."""
    requested = requested or registered.replace("localhost", "localhost:1", 1)
    kind = kind_of(registered)

    assert matches(registered, registered)
    if kind is not None and matches(registered, requested) and registered != requested:
        assert RedirectKind.LOOPBACK is kind
        assert RedirectKind.LOOPBACK is redirect_kind(requested)
        assert host_of(registered) == host_of(requested)


@given(st.from_regex(_PLAIN, fullmatch=True))
def test_what_is_judged_in_one_step_would_pass_every_step(uri):
    """The short way must never be a way around."""
    parts = take_apart(uri)

    assert "https" == parts.scheme
    assert parts.host
    assert parts.fragment is None
    assert len(parts.host) > HOST_LIMIT or check_host_name(parts.host) is None
    assert _DOT_SEGMENT.search(parts.path) is None or "/." in uri
