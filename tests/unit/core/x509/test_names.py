import pytest

from registrary.core.errors import FieldError
from registrary.core.x509.names import name_of, parse_name

CLIENT = (("2.5.4.3", "client"),)
EXAMPLE = (("2.5.4.10", "Example, Inc."),)


@pytest.mark.parametrize(
    "written",
    [
        "CN=client,O=Example\\, Inc.",
        "cn=client,o=Example\\, Inc.",
        "CN=client, O=Example\\, Inc.",
        "CN=Client,O=EXAMPLE\\, INC.",
        "CN=\\63lient,O=Example\\2C Inc.",
        "CN=client ,O=Example\\,  Inc.",
        "2.5.4.3=client,2.5.4.10=Example\\, Inc.",
        "2.5.4.3=#0c06636c69656e74,O=Example\\, Inc.",
        "CN=#1306636C69656E74,O=Example\\, Inc.",
    ],
    ids=[
        "plain",
        "keywords in lower case",
        "space between parts",
        "other case",
        "escaped by number",
        "more space",
        "types by number",
        "value in hexadecimal",
        "value of another string type",
    ],
)
@pytest.mark.spec("E-020")
def test_a_name_is_the_same_however_it_is_spelt(written):
    """Tools write one subject in many ways, and a client copies what its tool shows."""
    assert name_of([EXAMPLE, CLIENT]) == parse_name(written)


@pytest.mark.parametrize(
    "written",
    [
        "O=Example\\, Inc.,CN=client",
        "CN=client",
        "CN=client,O=Example\\, Inc.,C=DE",
        "CN=client+O=Example\\, Inc.",
        "CN=cl\\C4\\B1ent,O=Example\\, Inc.",
        "OU=client,O=Example\\, Inc.",
        "CN=client\\,O\\=Example\\, Inc.",
        "CN=#0406636c69656e74,O=Example\\, Inc.",
    ],
    ids=[
        "other order",
        "fewer parts",
        "more parts",
        "one part of two",
        "another letter",
        "another type",
        "separator escaped",
        "no text",
    ],
)
@pytest.mark.spec("E-020")
def test_another_name_stays_another(written):
    """A certificate for one subject must not pass for that of the next."""
    assert name_of([EXAMPLE, CLIENT]) != parse_name(written)


def test_values_of_one_part_come_in_any_order():
    """They are a set (RFC 4514 §2.2)."""
    assert parse_name("OU=a+CN=b,O=c") == parse_name("CN=b+OU=a,O=c")


@pytest.mark.parametrize("written", ["CN=Lu\\C4\\8Di\\C4\\87", "CN=Lučić", "cn=LUČIĆ"])
def test_letters_beyond_ascii_are_compared_too(written):
    """Escaped octets are UTF-8 (RFC 4514 §2.4)."""
    assert name_of([(("2.5.4.3", "Lučić"),)]) == parse_name(written)


@pytest.mark.parametrize(
    "written",
    ["CN=a;O=b", "CN", "CN=a,", "CN=\\FF", "CN=#0", "CN=#zz", ""],
    ids=[
        "semicolon",
        "no value",
        "comma at the end",
        "no UTF-8",
        "half an octet",
        "no hex",
        "empty",
    ],
)
def test_what_is_no_name_is_refused(written):
    """A client learns at registration that its certificate could never match."""
    with pytest.raises(FieldError, match="must be a distinguished name"):
        parse_name(written)


def test_a_type_that_nobody_knows_is_refused():
    """Keywords are each tool's own; numbers mean the same everywhere (RFC 4514 §2)."""
    with pytest.raises(FieldError, match="must name its types by the keywords"):
        parse_name("CLIENTNAME=a")
