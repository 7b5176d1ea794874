"""Which URIs may be registered, which may be fetched or shown, and which request matches."""

import pytest

from registrary.core.errors import FieldError
from registrary.core.schemes import DENIED_SCHEMES
from registrary.core.uris import (
    LOOPBACK_HOSTS,
    RESPONSE_PARAMETERS,
    URI_LIMIT,
    RedirectKind,
    check_https_uri,
    check_web_uri,
    host_of,
    is_loopback_host,
    leads_to_this_machine,
    matches,
    origin_of,
    redirect_kind,
    take_apart,
)

HTTPS, LOOPBACK, PRIVATE = RedirectKind

NO_FRAGMENT = "must not have a fragment, not even an empty one"
NOT_HTTPS = "must use https unless the host is this machine"
NO_HOST = "must have a host after //"
ODD_HOST = "must have a host that is a name or an address, without patterns"
ODD_ADDRESS = "must spell an address in its usual form"
PORT = "must have a port between 1 and 65535, without zeros in front"
NOT_ABSOLUTE = "must be an absolute URI, beginning with its scheme"
WHITE_SPACE = "must not hold spaces or control characters"
USER = "must not have user information"
DOTS = "must not have dot segments"
SCHEME = "must not use this scheme"
CHARACTERS = "must hold no characters but those of a URI"
RESPONSE = "must not have a parameter of the response in its query"

TAKEN = {
    "https": ("https://client.example/cb", HTTPS),
    "https-without-path": ("https://client.example", HTTPS),
    "https-with-port": ("https://client.example:8443/cb", HTTPS),
    "https-default-port": ("https://client.example:443/", HTTPS),
    "https-upper-case": ("HTTPS://Client.Example/CB", HTTPS),
    "https-query": ("https://client.example/cb?dummy1=lorem&dummy2=ipsum", HTTPS),
    "https-empty-query": ("https://client.example/cb?", HTTPS),
    "https-query-holding-uri": ("https://client.example/cb?next=https://a@b/%2F", HTTPS),
    "https-punycode": ("https://xn--bcher-kva.example/cb", HTTPS),
    "https-underscore": ("https://my_app.client.example/cb", HTTPS),
    "https-one-label": ("https://intranet/cb", HTTPS),
    "https-ipv4": ("https://192.0.2.1/cb", HTTPS),
    "https-ipv6": ("https://[2001:db8::1]:8443/cb", HTTPS),
    "https-localhost": ("https://localhost/cb", HTTPS),
    "https-name-ending-in-digit": ("https://host.example2/cb", HTTPS),
    "https-at-sign-in-path": ("https://client.example/@me", HTTPS),
    "https-dots-in-names": ("https://client.example/a..b/.well-known/x...", HTTPS),
    "https-percent": ("https://client.example/caf%C3%A9", HTTPS),
    "https-response-parameter-prefix": ("https://client.example/cb?codec=1&mystate=2", HTTPS),
    "https-response-value": ("https://client.example/cb?kind=code", HTTPS),
    "loopback-v4": ("http://127.0.0.1:8765/cb", LOOPBACK),
    "loopback-v6": ("http://[::1]:8765/cb", LOOPBACK),
    "loopback-name": ("http://localhost:8765/cb", LOOPBACK),
    "loopback-upper-case": ("HTTP://LocalHost/cb", LOOPBACK),
    "loopback-without-port": ("http://127.0.0.1/cb", LOOPBACK),
    "loopback-without-path": ("http://localhost", LOOPBACK),
    "private-reverse-domain": ("com.example.app:/cb", PRIVATE),
    "private-two-slashes": ("com.example.app://cb", PRIVATE),
    "private-three-slashes": ("com.example.app:///cb", PRIVATE),
    "private-opaque": ("com.example.app:cb", PRIVATE),
    "private-only-slashes": ("myapp://", PRIVATE),
    "private-without-dot": ("cursor://anysphere.cursor-retrieval/oauth/callback", PRIVATE),
    "private-vscode": ("vscode://vendor.extension/did-authenticate", PRIVATE),
    "private-upper-case": ("MyApp://CB", PRIVATE),
    "private-plus-minus": ("web+my-app://cb", PRIVATE),
    "private-underscored-host": ("myapp://auth_host:123/cb", PRIVATE),
}

REFUSED = {
    "fragment": ("https://client.example/cb#foobar", NO_FRAGMENT),
    "empty-fragment": ("https://client.example/cb#", NO_FRAGMENT),
    "private-fragment": ("com.example.app:/cb#", NO_FRAGMENT),
    "empty": ("", NOT_ABSOLUTE),
    "relative-path": ("/cb", NOT_ABSOLUTE),
    "relative-network": ("//client.example/cb", NOT_ABSOLUTE),
    "no-scheme": ("client.example/cb", NOT_ABSOLUTE),
    "empty-scheme": ("://client.example/cb", NOT_ABSOLUTE),
    "digit-scheme": ("1app:/cb", NOT_ABSOLUTE),
    "scheme-alone": ("myapp:", "must name more than a scheme"),
    "http-remote": ("http://client.example/cb", NOT_HTTPS),
    "http-localhost-prefix": ("http://localhost.evil.example/cb", NOT_HTTPS),
    "http-localhost-suffix": ("http://notlocalhost/cb", NOT_HTTPS),
    "http-suite-host": ("http://localhost.emobix.co.uk:8443/cb", NOT_HTTPS),
    "http-address-in-name": ("http://127.0.0.1.nip.io/cb", NOT_HTTPS),
    "http-other-loopback": ("http://127.0.0.2/cb", NOT_HTTPS),
    "http-any-address": ("http://0.0.0.0/cb", NOT_HTTPS),
    "http-subdomain-of-localhost": ("http://app.localhost/cb", NOT_HTTPS),
    "http-mapped-loopback": ("http://[::ffff:127.0.0.1]/cb", NOT_HTTPS),
    "http-short-address": ("http://127.1/cb", ODD_ADDRESS),
    "http-decimal-address": ("http://2130706433/cb", ODD_ADDRESS),
    "http-hexadecimal-address": ("http://0x7f.0.0.1/cb", ODD_ADDRESS),
    "http-octal-address": ("http://0177.0.0.1/cb", ODD_ADDRESS),
    "https-hexadecimal-address": ("https://0x7f000001/cb", ODD_ADDRESS),
    "https-hexadecimal-end": ("https://127.0.0.0x1/cb", ODD_ADDRESS),
    "https-number-after-name": ("https://client.1/cb", ODD_ADDRESS),
    "https-long-ipv6": ("https://[0:0:0:0:0:0:0:1]/cb", ODD_ADDRESS),
    "https-ipv4-in-brackets": ("https://[127.0.0.1]/cb", ODD_ADDRESS),
    "https-name-in-brackets": ("https://[client.example]/cb", ODD_ADDRESS),
    "https-zone": ("https://[fe80::1%25eth0]/cb", "must not have percent signs in its host"),
    "https-trailing-dot": ("https://client.example./cb", ODD_HOST),
    "localhost-trailing-dot": ("https://localhost./cb", ODD_HOST),
    "https-empty-label": ("https://client..example/cb", ODD_HOST),
    "https-hyphen": ("https://-client.example/cb", ODD_HOST),
    "https-long-label": (f"https://{'a' * 64}.example/cb", ODD_HOST),
    "https-long-last-label": (f"https://client.{'a' * 64}/cb", ODD_HOST),
    "https-long-host": (f"https://{'a.' * 127}example/cb", ODD_HOST),
    "https-odd-character": ("https://cli,ent.example/cb", ODD_HOST),
    "https-no-slashes": ("https:client.example/cb", NO_HOST),
    "https-one-slash": ("https:/client.example/cb", NO_HOST),
    "https-empty-host": ("https:///cb", NO_HOST),
    "https-port-without-host": ("https://:443/cb", NO_HOST),
    "https-empty-query-host": ("https://?x", NO_HOST),
    "port-too-large": ("https://client.example:65536/cb", PORT),
    "port-zero": ("http://127.0.0.1:0/cb", PORT),
    "port-empty": ("https://client.example:/cb", PORT),
    "port-word": ("https://client.example:https/cb", PORT),
    "port-leading-zero": ("https://client.example:0443/cb", PORT),
    "port-twice": ("https://client.example:443:443/cb", PORT),
    "port-minus": ("https://client.example:-1/cb", PORT),
    "port-long": (f"http://localhost:{'1' * 1000}/cb", PORT),
    "user": ("https://user@client.example/cb", USER),
    "user-and-password": ("https://user:pw@client.example/cb", USER),
    "empty-user": ("https://@client.example/cb", USER),
    "several-at-signs": ("https://good.example@@evil.example/cb", USER),
    "user-on-loopback": ("http://localhost:80@evil.example/cb", USER),
    "user-encoded": ("http://localhost:8090%25@evil.example/cb", USER),
    "user-in-private-scheme": ("myapp://user@host/cb", USER),
    "percent-in-host": ("https://client%2Eexample/cb", "must not have percent signs in its host"),
    "encoded-at-sign": (
        "https://good.example%40evil.example/",
        "must not have percent signs in its host",
    ),
    "backslash": ("https://good.example\\@evil.example/cb", "must not hold backslashes"),
    "backslash-in-path": ("https://client.example/a\\b", "must not hold backslashes"),
    "leading-space": (" https://client.example/cb", WHITE_SPACE),
    "trailing-space": ("https://client.example/cb ", WHITE_SPACE),
    "trailing-newline": ("https://client.example/cb\n", WHITE_SPACE),
    "tab-inside": ("java\tscript:alert(1)", WHITE_SPACE),
    "null-character": ("https://client.example/\x00cb", WHITE_SPACE),
    "delete-character": ("https://client.example/\x7fcb", WHITE_SPACE),
    "leading-control": ("\x01javascript:alert(1)", WHITE_SPACE),
    "unicode-host": (
        "https://bücher.example/cb",
        "must be ASCII: encode other characters by percent signs, or as punycode in hosts",
    ),
    "unicode-look-alike": (
        "https://client.example∕cb",  # noqa: RUF001 - the look-alike is the point
        "must be ASCII: encode other characters by percent signs, or as punycode in hosts",
    ),
    "template": ("https://client.example/{tenant}/cb", CHARACTERS),
    "angle-brackets": ("https://client.example/<script>", CHARACTERS),
    "quote": ('https://client.example/"onload=x', CHARACTERS),
    "bad-percent": ("https://client.example/%zz", CHARACTERS),
    "cut-percent": ("https://client.example/%4", CHARACTERS),
    "open-bracket": ("https://[::1/cb", PORT),
    "host-wildcard": ("https://*.client.example/cb", "must not have a wildcard"),
    "host-wildcard-at-end": ("https://client.example*", "must not have a wildcard"),
    "port-wildcard": ("http://localhost:*/cb", "must not have a wildcard"),
    "path-wildcard": ("https://client.example/*", "must not have a wildcard"),
    "private-wildcard": ("myapp:*", "must not have a wildcard"),
    "dot-dot": ("https://client.example/a/../cb", DOTS),
    "dot": ("https://client.example/./cb", DOTS),
    "dot-dot-at-end": ("https://client.example/a/..", DOTS),
    "encoded-dots": ("https://client.example/a/%2e%2E/cb", DOTS),
    "half-encoded-dots": ("https://client.example/a/.%2e/cb", DOTS),
    "dots-with-parameter": ("https://client.example/a/..;/cb", DOTS),
    "dots-between-encoded-slashes": ("https://client.example/a%2F..%2Fcb", DOTS),
    "dots-between-encoded-backslashes": ("https://client.example/a%5c..%5ccb", DOTS),
    "private-dots": ("com.example.app:../cb", DOTS),
    "javascript": ("javascript:alert(1)", SCHEME),
    "javascript-mixed-case": ("JavaScript:alert(1)", SCHEME),
    "javascript-as-host": ("javascript://client.example/%0aalert(1)", SCHEME),
    "ftp-on-loopback": ("ftp://127.0.0.1/cb", SCHEME),
    "out-of-band": ("urn:ietf:wg:oauth:2.0:oob", SCHEME),
    "drive": ("c:/windows/system32", "must not have a scheme of one letter, which is a drive"),
    "too-long": (
        "https://client.example/" + "a" * URI_LIMIT,
        "must not be longer than 2048 characters",
    ),
}


def refusal(judge, uri, **options):
    """Return the rule *judge* says *uri* breaks, or None."""
    try:
        judge(uri, **options)
    except FieldError as error:
        return error.rule
    return None


@pytest.mark.spec("A-060", "A-062", "T-27", "T-29", "T-33", "E-113")
@pytest.mark.parametrize(("uri", "kind"), TAKEN.values(), ids=TAKEN.keys())
def test_a_place_that_can_be_redirected_to_is_recognised(uri, kind):
    """Web, desktop and mobile applications each have their own kind of address."""
    found = redirect_kind(uri)

    assert kind is found


@pytest.mark.spec("A-060", "A-061", "A-062", "A-063", "A-066", "C-006", "E-125")
@pytest.mark.spec("T-25", "T-26", "T-34", "T-35", "T-60b")
@pytest.mark.parametrize(("uri", "rule"), REFUSED.values(), ids=REFUSED.keys())
def test_a_redirect_uri_that_readers_disagree_about_is_refused(uri, rule):
    """Each of these sent authorization codes to strangers on some server."""
    found = refusal(redirect_kind, uri)

    assert rule == found


@pytest.mark.spec("A-065", "T-25")
@pytest.mark.parametrize("scheme", sorted(DENIED_SCHEMES))
@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_a_denied_scheme_is_refused_in_any_case(scheme, spell):
    """A check of one spelling was CVE-2026-9086."""
    found = refusal(redirect_kind, f"{spell(scheme)}:x")

    assert SCHEME == found


@pytest.mark.spec("A-065")
@pytest.mark.parametrize(
    "scheme",
    [
        "javascript",
        "data",
        "vbscript",
        "blob",
        "file",
        "about",
        "view-source",
        "ftp",
        "ws",
        "wss",
        "mailto",
        "tel",
        "search",
        "help",
        "applescript",
        "netdoc",
        "onenote",
        "shortcuts",
        "app-prefs",
        "cifs",
        "edge",
        "brave",
        "opera",
        "vivaldi",
        "moz-icon",
        "chrome-native",
        "googlechrome",
        "googlechromes",
        "microsoft-edge",
        "microsoft-edge-holographic",
        "ms-gamebar",
        "ms-gamingoverlay",
        "ms-settings-bluetooth",
        "x-apple.systempreferences",
        "x-apple-systempreferences",
        "x-apple.reminderkit",
        "bitcoin",
        "matrix",
    ],
)
def test_the_schemes_known_from_attacks_are_refused(scheme):
    """A list that lost one of them would still pass a test that reads the list."""
    assert SCHEME == refusal(redirect_kind, f"{scheme}:x")


@pytest.mark.spec("A-065", "E-113", "T-27")
@pytest.mark.parametrize(
    "scheme",
    [
        "cursor",
        "vscode",
        "ms-app",
        "msauth.com.example.app",
        "msal1234",
        "com.example.edge",
        "bravely",
        "searching",
        "tauri",
        "mozaic",
        "webapp",
    ],
)
def test_schemes_of_applications_are_taken(scheme):
    """A list by beginnings must not take names that people gave their own programs."""
    assert redirect_kind(f"{scheme}://cb") is RedirectKind.PRIVATE


@pytest.mark.spec("A-067")
@pytest.mark.parametrize("name", sorted(RESPONSE_PARAMETERS))
@pytest.mark.parametrize(
    "query",
    [
        "{0}=x",
        "{0}",
        "a=b&{0}=x",
        "a=b&{1}=x",
        "a=b;{0}=x",
        "a=b%3B&;{0}=x",
        "{0}[]=x",
        "{0}%5B%5D=x",
        "{0}[0]=x",
        "[{0}]=x",
        "+{0}=x",
        "%20{0}=x",
    ],
    ids=[
        "alone",
        "without-value",
        "behind-others",
        "encoded",
        "behind-a-semicolon",
        "behind-both",
        "array",
        "array-encoded",
        "array-element",
        "brackets-alone",
        "behind-a-plus",
        "behind-a-space",
    ],
)
def test_a_query_that_could_pass_for_an_answer_is_refused(name, query):
    """A fixed ``iss`` or ``code`` in the URI lets one server speak for another."""
    encoded = f"%{ord(name[0]):02x}{name[1:]}"

    found = refusal(redirect_kind, "https://client.example/cb?" + query.format(name, encoded))

    assert RESPONSE == found


@pytest.mark.spec("A-067")
@pytest.mark.parametrize(
    "query", ["Code=x", "STATE=x", "access.token=x", "access+token=x", "id%5Btoken=x", "id[token=x"]
)
def test_names_that_some_languages_take_for_those_of_an_answer_are_refused(query):
    """Names are read without case by some, and dots and spaces as underscores by others."""
    assert RESPONSE == refusal(redirect_kind, f"https://client.example/cb?{query}")


@pytest.mark.spec("A-067")
@pytest.mark.parametrize(
    "query",
    ["a=1;b=2", "a=code", "codes=x", "my_code=x", "my[code]=x", "a=1;xcode=2", "a=?code=x", "[]=x"],
)
def test_another_query_is_fine(query):
    """Clients keep their own state there."""
    assert redirect_kind(f"https://client.example/cb?{query}") is RedirectKind.HTTPS


MATCHES = {
    "same": ("https://client.example/cb", "https://client.example/cb"),
    "same-with-query": ("https://client.example/cb?a=1", "https://client.example/cb?a=1"),
    "loopback-other-port": ("http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb"),
    "loopback-registered-without-port": ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb"),
    "loopback-requested-without-port": ("http://localhost:8080/cb", "http://localhost/cb"),
    "loopback-v6": ("http://[::1]/cb?a=1", "http://[::1]:5000/cb?a=1"),
    "loopback-name": ("http://localhost:1/cb", "http://localhost:2/cb"),
    "loopback-no-path": ("http://localhost", "http://localhost:3000"),
    "private": ("com.example.app:/cb", "com.example.app:/cb"),
}

MISMATCHES = {
    "trailing-slash": ("https://client.example/cb", "https://client.example/cb/"),
    "path-case": ("https://client.example/cb", "https://client.example/CB"),
    "host-case": ("https://client.example/cb", "https://Client.example/cb"),
    "scheme-case": ("https://client.example/cb", "HTTPS://client.example/cb"),
    "default-port": ("https://client.example/cb", "https://client.example:443/cb"),
    "percent-spelling": ("https://client.example/%7Ea", "https://client.example/~a"),
    "query-added": ("https://client.example/cb", "https://client.example/cb?a=1"),
    "query-changed": ("https://client.example/cb?a=1", "https://client.example/cb?a=2"),
    "longer": ("https://client.example/cb", "https://client.example/cb.evil"),
    "other-port-of-https": ("https://client.example:1/cb", "https://client.example:2/cb"),
    "https-loopback-port": ("https://localhost:1/cb", "https://localhost:2/cb"),
    "name-for-address": ("http://localhost:1/cb", "http://127.0.0.1:1/cb"),
    "address-for-name": ("http://127.0.0.1:1/cb", "http://localhost:1/cb"),
    "v6-for-v4": ("http://127.0.0.1:1/cb", "http://[::1]:1/cb"),
    "loopback-path": ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/other"),
    "loopback-query": ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb?a=1"),
    "loopback-slash": ("http://127.0.0.1:1", "http://127.0.0.1:2/"),
    "loopback-host-case": ("http://localhost:1/cb", "http://LOCALHOST:2/cb"),
    "loopback-port-range": ("http://127.0.0.1:1/cb", "http://127.0.0.1:65536/cb"),
    "loopback-port-zero": ("http://127.0.0.1:1/cb", "http://127.0.0.1:0/cb"),
    "loopback-port-empty": ("http://127.0.0.1:1/cb", "http://127.0.0.1:/cb"),
    "loopback-user": ("http://127.0.0.1:1/cb", "http://127.0.0.1:1@evil.example/cb"),
    "loopback-longer-host": ("http://localhost", "http://localhost.evil.example"),
    "loopback-fragment": ("http://localhost:1/cb", "http://localhost:2#/cb"),
    "loopback-backslash": ("http://localhost:1/cb", "http://localhost:2\\/cb"),
    "private-host-port": ("myapp://localhost:1/cb", "myapp://localhost:2/cb"),
}


@pytest.mark.spec("A-064", "C-001", "E-110", "E-111", "T-28", "T-30")
@pytest.mark.parametrize(("registered", "requested"), MATCHES.values(), ids=MATCHES.keys())
def test_a_registered_uri_matches_itself_and_on_loopback_any_port(registered, requested):
    """An application on a desktop gets whatever port is free."""
    assert matches(registered, requested)


@pytest.mark.spec("A-064", "C-001", "E-110", "E-111", "E-125", "T-28", "T-30")
@pytest.mark.parametrize(("registered", "requested"), MISMATCHES.values(), ids=MISMATCHES.keys())
def test_nothing_but_the_port_on_loopback_is_loosened(registered, requested):
    """Loose comparison is how most servers of this kind lost codes."""
    assert not matches(registered, requested)


WEB = {
    "https": ("https://client.example/privacy#data", None),
    "http": ("http://client.example/", None),
    "javascript": ("javascript:alert(1)", "must be an http or https URL"),
    "javascript-case": ("jAvAsCrIpT:alert(1)", "must be an http or https URL"),
    "data": ("data:text/html,x", "must be an http or https URL"),
    "private": ("myapp://about", "must be an http or https URL"),
    "relative": ("/privacy", NOT_ABSOLUTE),
    "space": (" javascript:alert(1)", WHITE_SPACE),
    "user": ("https://bank.example@evil.example/", USER),
    "no-host": ("https:///privacy", NO_HOST),
    "word": ("none", NOT_ABSOLUTE),
}


@pytest.mark.spec("A-025", "A-026", "A-027", "A-028", "T-41")
@pytest.mark.parametrize(("uri", "rule"), WEB.values(), ids=WEB.keys())
def test_a_page_for_people_is_on_the_web(uri, rule):
    """These addresses end up in links on the consent page."""
    assert rule == refusal(check_web_uri, uri)


FETCHED = {
    "https": ("https://client.example/jwks", False, None),
    "http": ("http://client.example/jwks", False, "must be an https URL"),
    "http-loopback": ("http://localhost:1/jwks", False, "must be an https URL"),
    "http-loopback-allowed": ("http://localhost:1/jwks", True, None),
    "http-remote-not-allowed": ("http://localhost.evil.example/", True, "must be an https URL"),
    "private": ("myapp:/jwks", True, "must be an https URL"),
    "user": ("https://a:b@client.example/jwks", False, USER),
    "no-host": ("https:///jwks", False, NO_HOST),
    "odd-address": ("https://0x7f.1/jwks", False, ODD_ADDRESS),
}


@pytest.mark.spec("C-008", "C-022", "T-37", "T-60")
@pytest.mark.parametrize(("uri", "loopback", "rule"), FETCHED.values(), ids=FETCHED.keys())
def test_what_the_server_calls_is_https(uri, loopback, rule):
    """Judged before anything is fetched; Janssen fetched although this check had failed."""
    assert rule == refusal(check_https_uri, uri, loopback_http=loopback)


def test_parts_stand_as_written_but_for_scheme_and_host():
    """Whoever compares parts must not depend on the case a client likes."""
    parts = take_apart("HTTPS://Client.Example:8443/A?B=c#D")

    assert ("https", "client.example", "8443", "/A", "B=c", "D") == parts


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("https://Client.Example:1/", "client.example"),
        ("http://[::1]:1/", "[::1]"),
        ("com.example.app:/cb", ""),
        ("com.example.app:///cb", ""),
    ],
)
def test_the_host_is_lower_case_and_has_no_port(uri, host):
    """Sectors and consent pages are about hosts."""
    assert host == host_of(uri)


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://client.example/a", "https://client.example"),
        ("https://client.example:443/a", "https://client.example"),
        ("HTTPS://CLIENT.example:8443/a", "https://client.example:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:443", "http://localhost:443"),
    ],
)
def test_origins_compare_with_default_ports_left_out(uri, origin):
    """RFC 6454 §4 compares scheme, host and port, whether the port is written or not."""
    assert origin == origin_of(uri)


@pytest.mark.spec("C-004", "T-32")
@pytest.mark.parametrize(
    "host",
    ["localhost", "app.localhost", "127.0.0.1", "127.1.2.3", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_every_way_to_this_machine_is_seen(host):
    """Nobody can vouch for a certificate of this machine, so native clients have no https on it."""
    assert leads_to_this_machine(host)


@pytest.mark.spec("C-006")
@pytest.mark.parametrize(
    "host",
    ["localhost.example", "notlocalhost", "127.0.0.1.nip.io", "128.0.0.1", "[2001:db8::1]", ""],
)
def test_a_name_that_looks_like_this_machine_is_not(host):
    """Recognition by prefix was CVE-2026-18211."""
    assert not leads_to_this_machine(host)
    assert not is_loopback_host(host)


def test_http_may_have_three_names_of_this_machine_and_no_others():
    """Others would be allowed one by one, each with a browser that reads it differently."""
    assert frozenset({"localhost", "127.0.0.1", "[::1]"}) == LOOPBACK_HOSTS


@pytest.mark.parametrize(
    "uri",
    [
        "https://" + "a." * 1000,
        "https://" + "a-" * 1000 + "!",
        "https://[" + ":" * 2000 + "]",
        "https://" + ":" * 2000 + "]",
        "https://client.example/" + "%2e" * 600 + "/..",
        "https://client.example/" + "..;" * 600 + "x!\\",
        "a" * 2000,
        "http://localhost:" + "1" * 2000,
    ],
    ids=lambda uri: uri[:24],
)
def test_a_crafted_uri_is_judged_at_once(uri):
    """CVE-2022-36087 was a pattern that took seconds for one URI."""
    assert refusal(redirect_kind, uri) is not None
    assert not matches("http://localhost/", uri)
