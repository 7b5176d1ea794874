from base64 import b64encode
from urllib.parse import quote

import pytest

from registrary.core.addresses import Networks
from registrary.testing.client_certificates import self_signed
from registrary.web.callers import Callers, TrustedProxies
from registrary.web.client_certificates import CertificateHeader, certificate_in
from registrary.web.head import judge_head

HELD, OTHER = self_signed(), self_signed("CN=other")
BASE64 = b64encode(HELD.der).decode()
ESCAPED = quote(HELD.pem.decode(), safe="")
OTHERS = quote(OTHER.pem.decode(), safe="")


def head_with(*values, name):
    """Return the head of a request with a line of *name* for each of *values*."""
    lines = tuple((name.encode(), value.encode()) for value in values)
    return judge_head("GET", b"/", version="1.1", headers=((b"host", b"inside"), *lines))


def read(header, *values):
    """Return the certificate that *header* with *values* names."""
    return certificate_in(CertificateHeader(header), head_with(*values, name=header))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("client-cert", f":{BASE64}:"),
        ("ssl-client-cert", ESCAPED),
        ("x-ssl-client-cert", ESCAPED),
        ("ssl-client-cert", ESCAPED.removesuffix("%0A")),
        ("ssl-client-cert", quote(HELD.pem.decode().replace("\n", "\r\n"), safe="")),
        ("ssl-client-cert", quote(HELD.pem.decode(), safe="+/= ")),
        ("x-forwarded-client-cert", f'Cert="{ESCAPED}"'),
        ("x-forwarded-client-cert", f"cert={ESCAPED}"),
        ("x-forwarded-client-cert", f'By=spiffe://a;Hash=0f;Cert="{ESCAPED}";Subject="";URI='),
        ("x-forwarded-client-cert", f'Subject="CN=\\"a, b\\",O=c;d";Cert="{ESCAPED}"'),
        ("x-forwarded-client-cert", f'Cert="{OTHERS}", Hash=0f;Cert="{ESCAPED}"'),
        ("x-forwarded-client-cert", f'Cert="{OTHERS}";Subject=",Cert="{ESCAPED}"'),
        ("x-forwarded-client-cert", f'Subject="\\\\";Cert="{ESCAPED}"'),
    ],
    ids=[
        "byte sequence",
        "nginx",
        "nginx, other name",
        "no line end at the end",
        "ends of lines as on Windows",
        "escaped where it must",
        "Envoy",
        "Envoy without quotes",
        "Envoy with everything",
        "separators in quotes",
        "the last of two",
        "a quote that a caller opened",
        "backslash at the end of a value",
    ],
)
def test_a_certificate_is_read_as_proxies_write_it(header, value):
    """Each has its own way, and none of them sends the bytes."""
    assert HELD.der == read(header, value)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("client-cert", BASE64),
        ("client-cert", f":{BASE64}"),
        ("client-cert", f":{BASE64}:, :{BASE64}:"),
        ("client-cert", f":{BASE64}:;a=1"),
        ("client-cert", ":A:"),
        ("client-cert", "::"),
        ("client-cert", ESCAPED),
        ("ssl-client-cert", BASE64),
        ("ssl-client-cert", f":{BASE64}:"),
        ("ssl-client-cert", ESCAPED + OTHERS),
        ("ssl-client-cert", f"{ESCAPED},{OTHERS}"),
        ("ssl-client-cert", f"x{ESCAPED}"),
        ("ssl-client-cert", ESCAPED.replace("CERTIFICATE", "PRIVATE KEY")),
        ("ssl-client-cert", "(null)"),
        ("ssl-client-cert", ""),
        ("x-forwarded-client-cert", ESCAPED),
        ("x-forwarded-client-cert", f'Cert="{ESCAPED}";Cert="{OTHERS}"'),
        ("x-forwarded-client-cert", f'Cert="{ESCAPED}";cert="{ESCAPED}"'),
        ("x-forwarded-client-cert", f'Cert="{ESCAPED}",Hash=0f'),
        ("x-forwarded-client-cert", f'Cert="{ESCAPED}",'),
        ("x-forwarded-client-cert", f'Chain="{ESCAPED}"'),
        ("x-forwarded-client-cert", f'Cert="{ESCAPED}" x'),
        ("x-forwarded-client-cert", f'Hash=0f"Cert="{ESCAPED}"'),
        ("x-forwarded-client-cert", f'Subject="a\\";Cert="{ESCAPED}"'),
        ("x-forwarded-client-cert", ""),
    ],
)
def test_what_no_proxy_writes_names_nobody(header, value):
    """A guess at what was meant is a guess at who somebody is."""
    assert read(header, value) is None


@pytest.mark.parametrize("header", CertificateHeader)
def test_no_line_and_two_lines_name_nobody(header):
    """One of two is somebody else's, and nobody can tell which."""
    value = {"client-cert": f":{BASE64}:", "x-forwarded-client-cert": f'Cert="{ESCAPED}"'}.get(
        header, ESCAPED
    )

    assert HELD.der == read(header, value)
    assert read(header, value, value) is None
    assert read(header) is None


def test_a_long_list_of_quotes_is_read_at_once():
    """Behind a proxy that appends, all but the end is a stranger's."""
    hostile = '\\"' * 7_000 + '"' * 7_000 + f',Cert="{ESCAPED}"'

    assert HELD.der == read("x-forwarded-client-cert", hostile)


@pytest.mark.parametrize(
    ("named", "lines", "expected"),
    [
        (None, [], OTHER.der),
        (None, [("x-forwarded-for", "192.0.2.1")], None),
        (None, [("forwarded", "for=192.0.2.1")], None),
        (None, [("via", "1.1 proxy")], None),
        (None, [("client-cert", f":{BASE64}:")], OTHER.der),
        (CertificateHeader.CLIENT_CERT, [("client-cert", f":{BASE64}:")], HELD.der),
        (CertificateHeader.CLIENT_CERT, [], None),
    ],
    ids=[
        "comes himself",
        "forwards",
        "forwards by the standard",
        "says that he forwards",
        "says more than he may",
        "passes on",
        "passes nothing on",
    ],
)
def test_what_a_trusted_proxy_proves_in_tls_is_its_own(named, lines, expected):
    """Else each of its callers would be whom its certificate names."""
    callers = Callers(TrustedProxies(Networks(), certificate=named))
    headers = tuple((name.encode(), value.encode()) for name, value in lines)
    head = judge_head("GET", b"/", version="1.1", headers=((b"host", b"inside"), *headers))

    assert expected == callers.certificate(head, OTHER.der)
