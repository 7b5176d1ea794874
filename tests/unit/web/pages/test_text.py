"""What strangers wrote, as it is shown."""

import pytest

from registrary.web.pages.text import host_of, is_way_back, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Calendar", "Calendar"),
        ("Cal\nendar\t2", "Cal endar 2"),
        ("a\u2028b\u2029c", "a b c"),
        ("\u202eevil\u202c \u2066x\u2069\u200f", "evil x"),
        ("in\u200bvisible\u2060\ufeff", "invisible"),
        ("bell\x07", "bell"),
        ("tag\U000e0041", "tag"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("  ", ""),
    ],
    ids=[
        "plain",
        "line",
        "separators",
        "bidi",
        "invisible",
        "control",
        "tags",
        "persian",
        "emoji",
        "blank",
    ],
)
def test_what_misleads_the_eye_is_not_shown(text, expected):
    """A name is judged by its looks (Unicode TR 36 §2.10)."""
    assert expected == shown(text)


def test_marks_are_not_piled_higher_than_any_script_does():
    """They would climb over the words around a name."""
    assert "Z\u0336\u0351\u0336\u0351, a\u0301" == shown("Z" + "\u0336\u0351" * 50 + ", a\u0301")


def test_a_text_is_cut_where_it_gets_long():
    """What stands below must stay in sight."""
    assert "abcd…" == shown("abcdefgh", 5)
    assert "abcde" == shown("abcde", 5)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://App.Example:8443/x", "app.example"),
        ("http://127.0.0.1:1/", "127.0.0.1"),
        ("https://user@evil.example/", "evil.example"),
        ("com.example.app:/cb", None),
        ("javascript:alert(1)", None),
        ("https://[", None),
        ("", None),
    ],
)
def test_the_host_of_a_page_is_found(url, host):
    """People judge an address by its host, and a browser opens nothing else."""
    assert host == host_of(url)


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://app.example/cb", True),
        ("com.example.app:/cb", True),
        ("javascript:alert(1)", False),
        ("JavaScript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("/relative", False),
    ],
)
def test_a_way_back_leads_to_an_application(url, good):
    """A link that runs something here is no way back (threat 54)."""
    assert good is is_way_back(url)
