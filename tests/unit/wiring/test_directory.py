"""Every address leads to the endpoint of the issuer it belongs to, and to no other."""

import pytest

from registrary.protocol.http import HttpResponse
from registrary.protocol.routes import Route
from registrary.testing.factories import an_issuer
from registrary.wiring.directory import METADATA_DOCUMENTS, Directory, Site


async def nothing(request) -> HttpResponse:
    """Answer with nothing."""
    del request
    return HttpResponse(204)


def route(template: str) -> Route:
    """Return a route for GET."""
    return Route(template, {"GET": nothing})


HEALTH = route("/healthz")
TOKEN, REGISTER, CLIENT = route("/token"), route("/register"), route("/register/{client_id}")
BY_PATH, HOLDS = route("/register/t/{token}"), route("/api/v1/clients/{id}/holds")
DECISION = route("/api/v1/reviews/{id}/items/{item}/decision")
ROUTES = (TOKEN, REGISTER, CLIENT, BY_PATH, HOLDS, DECISION)


def site(url: str) -> Site:
    """Return an issuer at *url*."""
    documents = (("ssf-configuration", route(f"transmitter of {url}")),)
    return Site(an_issuer(url=url), ROUTES, route(f"metadata of {url}"), documents)


def directory(*urls: str) -> Directory:
    """Return a directory of issuers at *urls*."""
    shown = Directory((HEALTH,))
    shown.show([site(url) for url in urls])
    return shown


def found(shown: Directory, host: str, path: str):
    """Return path and route that *path* at *host* leads to, or None."""
    match = shown.find(host, path)
    return None if match is None else (match.path, match.endpoint.template)


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/token", "/token"),
        ("/register", "/register"),
        ("/register/abc", "/register/{client_id}"),
        ("/register/t", "/register/{client_id}"),
        ("/register/t/abc", "/register/t/{token}"),
        ("/register/%2F..%2Ftoken", "/register/{client_id}"),
        ("/api/v1/clients/abc/holds", "/api/v1/clients/{id}/holds"),
        ("/api/v1/clients/a%2Fb/holds", "/api/v1/clients/{id}/holds"),
        (
            "/api/v1/reviews/1/items/2/decision",
            "/api/v1/reviews/{id}/items/{item}/decision",
        ),
        ("/healthz", "/healthz"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/tenant", "/a/b", "/v1.0+x"])
def test_an_address_leads_to_its_route_below_the_issuer(prefix, path, template):
    """The endpoint sees the path as its issuer does, still percent-encoded."""
    shown = directory(f"https://id.example{prefix}")

    assert (path, template) == found(shown, "id.example", prefix + path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "//token",
        "/token/",
        "/Token",
        "/token/x",
        "/register/",
        "/register/a/b",
        "/register/t/",
        "/register/t/a/b",
        "/./token",
        "/register/../token",
        "/tok%65n",
        "/api/v1/clients//holds",
        "/api/v1/clients/a/b/holds",
        "/api/v1/clients/a/holds/",
        "/healthz/",
        "/.well-known/other",
        "/.well-known/openid-configuration/",
    ],
)
def test_nothing_else_leads_anywhere(path):
    """One spelling for each address: a proxy's rules and ours then mean the same."""
    assert None is found(directory("https://id.example"), "id.example", path)


@pytest.mark.parametrize("document", METADATA_DOCUMENTS)
@pytest.mark.parametrize("path", ["", "/tenant", "/a/b"])
@pytest.mark.spec("D-004")
def test_metadata_is_found_in_both_forms(path, document):
    """RFC 8414 puts the path behind, OpenID Connect Discovery before; clients try both."""
    url = f"https://id.example{path}"
    shown = directory(url)

    ways = {
        f"/.well-known/{document}{path}",
        f"{path}/.well-known/{document}",
    }

    assert {f"metadata of {url}"} == {
        (found(shown, "id.example", way) or ("", ""))[1] for way in ways
    }


@pytest.mark.parametrize("path", ["", "/tenant"])
def test_other_well_known_documents_are_found_in_both_forms(path):
    """Whoever looks for one of them looks where the others are."""
    url = f"https://id.example{path}"
    ways = (f"/.well-known/ssf-configuration{path}", f"{path}/.well-known/ssf-configuration")

    answers = [found(directory(url), "id.example", way) for way in ways]

    assert [f"transmitter of {url}"] * 2 == [(answer or ("", ""))[1] for answer in answers]


@pytest.mark.parametrize("host", ["id.example", "evil.example", "", "id.example:8443", "%00"])
def test_with_one_issuer_the_host_means_nothing(host):
    """Behind any proxy, and at an address, it is the same server."""
    assert ("/token", "/token") == found(directory("https://id.example"), host, "/token")


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("one.example", "/.well-known/openid-configuration", "https://one.example"),
        ("two.example", "/.well-known/openid-configuration", "https://two.example"),
        ("two.example:8443", "/.well-known/openid-configuration", "https://two.example:8443"),
        ("one.example", "/tenant/.well-known/openid-configuration", "https://one.example/tenant"),
        ("one.example", "/.well-known/openid-configuration/tenant", "https://one.example/tenant"),
        ("two.example", "/tenant/.well-known/openid-configuration", None),
        ("three.example", "/.well-known/openid-configuration", None),
        ("one.example.evil.example", "/.well-known/openid-configuration", None),
        ("one.example:443", "/.well-known/openid-configuration", None),
        ("", "/.well-known/openid-configuration", None),
    ],
)
def test_with_several_issuers_host_and_path_are_theirs_exactly(host, path, expected):
    """A host that is almost right must not reach a tenant."""
    shown = directory(
        "https://one.example",
        "https://one.example/tenant",
        "https://two.example",
        "https://two.example:8443",
    )

    match = found(shown, host, path)

    assert (None if expected is None else f"metadata of {expected}") == (match and match[1])


@pytest.mark.parametrize("path", ["/v1x0/api/v1/clients/a/holds", "/v1.0/api/v1xclients/a/holds"])
def test_a_dot_in_the_path_of_an_issuer_is_a_dot(path):
    """Read as a pattern it let other spellings in, and a plus sign let nobody in."""
    assert None is found(directory("https://id.example/v1.0"), "id.example", path)


def test_an_issuer_below_another_has_its_own_endpoints():
    """The tenant's clients must not be looked up at the issuer above."""
    shown = Directory(())
    above, below = site("https://id.example"), site("https://id.example/register")
    shown.show([above, below])

    match = shown.find("id.example", "/register/token")

    assert match is not None
    assert ("/token", True) == (match.path, match.endpoint is below.routes[0])


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://id.example", "id.example", ""),
        ("https://ID.example:443/A", "id.example", "/A"),
        ("http://127.0.0.1:80", "127.0.0.1", ""),
        ("http://127.0.0.1:8400", "127.0.0.1:8400", ""),
        ("https://id.example:80", "id.example:80", ""),
        ("http://[::1]:8400/a/b", "[::1]:8400", "/a/b"),
    ],
)
def test_the_default_port_is_left_out_of_a_host(url, host, path):
    """Browsers leave it out too, so both must meet."""
    shown = site(url)

    assert (host, path) == (shown.host, shown.path)


@pytest.mark.parametrize("urls", [(), ("https://one.example", "https://two.example/tenant")])
@pytest.mark.parametrize("host", ["one.example", "10.0.0.1:8400"])
def test_operation_answers_at_the_root_whoever_is_asked_for(urls, host):
    """A load balancer asks by address, before any issuer is there."""
    assert ("/healthz", "/healthz") == found(directory(*urls), host, "/healthz")


def test_what_is_shown_replaces_what_was():
    """An issuer that was taken away is gone at the next request."""
    shown = directory("https://one.example", "https://two.example")

    shown.show([site("https://three.example"), site("https://two.example")])

    hosts = ("one.example", "two.example", "three.example")
    assert [False, True, True] == [shown.find(host, "/token") is not None for host in hosts]
    assert ["https://three.example", "https://two.example"] == [
        one.issuer.url for one in shown.sites
    ]


def test_another_name_of_a_host_leads_to_its_issuers():
    """Where certificates are asked for is another host to TLS, and the same to clients."""
    shown = Directory((), aliases={"mtls.a.example": "a.example"})
    shown.show([site("https://a.example"), site("https://b.example"), site("https://a.example/x")])

    assert ("/token", "/token") == found(shown, "mtls.a.example", "/token")
    assert found(shown, "a.example", "/x/token") == found(shown, "mtls.a.example", "/x/token")
    assert shown.find("mtls.b.example", "/token") is None
