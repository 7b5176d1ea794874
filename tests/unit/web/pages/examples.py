"""Every page there is, with values as they come, and the same with values as an attacker picks."""

from collections.abc import Mapping
from typing import Final, cast

from registrary.protocol import page_values as of
from registrary.web.pages.text import host_of

PERSON: Final = "maria.santos@example.com"
REDIRECT: Final = "https://calendar.example"
QR: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="180" height="180" class="qrcode">'
    '<path d="M20 20h60v60H20z M100 100h60v60H100z"/></svg>'
)
PASSKEY_REQUEST: Final = '{"challenge": "bm90IHJhbmRvbQ", "rpId": "localhost"}'
PASSKEY_CREATION: Final = (
    '{"challenge": "bm90IHJhbmRvbQ", "rp": {"id": "localhost", "name": "Registrary"}, '
    '"pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}], '
    '"authenticatorSelection": {"residentKey": "required"}, '
    '"user": {"id": "bWFyaWE", "name": "maria", "displayName": "Maria"}}'
)

_LINKS: Final = of.PageLinks(
    client_uri="https://calendar.example/about",
    tos_uri="https://calendar.example/terms",
    policy_uri="https://legal.calendar.example/privacy",
    logo="/logos/b2a7",
)
_NO_LINKS: Final = of.PageLinks(client_uri=None, tos_uri=None, policy_uri=None, logo=None)
_ASKING: Final = of.AskingClient(name="Calendar Sync", host="calendar.example")

_LOGIN: Final = of.LoginValues(
    csrf="sealed",
    form_action=REDIRECT,
    client=_ASKING,
    username="",
    problem=None,
    providers=[],
    has_password=True,
    passkey=None,
    links=_LINKS,
)

_WEB_CLIENT: Final = of.ConsentClient(
    name="Calendar Sync",
    client_id="https://calendar.example/oauth/client.json",
    client_id_host="calendar.example",
    redirect_host="calendar.example",
    kind="https",
    verified=True,
    registered_at="20 November 2026",
    registered_by="Example University",
    client_uri="https://calendar.example/about",
    tos_uri="https://calendar.example/terms",
    policy_uri="https://legal.calendar.example/privacy",
    logo="/logos/b2a7",
)


def _scope(name: str, description: str, *, optional: bool = False) -> of.ScopeLine:
    return of.ScopeLine(name=name, description=description, optional=optional, checked=True)


_CONSENT: Final = of.ConsentValues(
    csrf="sealed",
    form_action=REDIRECT,
    client=_WEB_CLIENT,
    person=PERSON,
    groups=[
        of.ScopeGroup(
            sensitivity="low",
            scopes=[
                _scope("openid", "Know who you are"),
                _scope("email", "See your e-mail address", optional=True),
            ],
        ),
        of.ScopeGroup(
            sensitivity="medium",
            scopes=[_scope("read", "Read your calendars"), _scope("write", "Change them")],
        ),
        of.ScopeGroup(
            sensitivity="high",
            scopes=[
                _scope("offline_access", "Do all this while you are not signed in", optional=True)
            ],
        ),
    ],
    details=["Move up to 50.00 EUR from the account DE02 1203"],
    resources=["Calendars (https://api.example/)"],
    warnings=["This application changed its address two days ago."],
)


def _consent_of(**members: object) -> of.ConsentValues:
    client = cast("of.ConsentClient", {**_WEB_CLIENT, **members})  # the renderer checks it
    return of.ConsentValues(**{**_CONSENT, "client": client, "warnings": [], "details": []})


_LOOPBACK: Final = _consent_of(
    name="Inspector",
    client_id="01a2b3c4d5",
    client_id_host=None,
    redirect_host="127.0.0.1:33418",
    kind="loopback",
    verified=False,
    registered_by="itself (open registration)",
    **_NO_LINKS,
)

EXAMPLES: Final[Mapping[str, tuple[str, Mapping[str, object]]]] = {
    "login": ("login", _LOGIN),
    "login-again": (
        "login",
        of.LoginValues(
            **{
                **_LOGIN,
                "username": "maria",
                "problem": "That user name and password do not go together.",
            }
        ),
    ),
    "login-every-way": (
        "login",
        of.LoginValues(
            **{
                **_LOGIN,
                "providers": [
                    of.Provider(id="university", name="Example University"),
                    of.Provider(id="partner", name="Partner Institute"),
                ],
                "passkey": PASSKEY_REQUEST,
            }
        ),
    ),
    "login-at-provider": (
        "login",
        of.LoginValues(
            **{
                **_LOGIN,
                "providers": [of.Provider(id="university", name="Example University")],
                "has_password": False,
                "username": "maria",
                "problem": "Example University did not say who you are.",
            }
        ),
    ),
    "login-account": (
        "login",
        of.LoginValues(**{**_LOGIN, "client": None, "links": None, "form_action": None}),
    ),
    "one-time-code": (
        "one_time_code",
        of.OneTimeCodeValues(csrf="sealed", form_action=REDIRECT, problem=None, client=_ASKING),
    ),
    "one-time-code-again": (
        "one_time_code",
        of.OneTimeCodeValues(
            csrf="sealed", form_action=None, problem="That code is not good now.", client=None
        ),
    ),
    "onward": (
        "onward",
        of.OnwardValues(link="https://idp.example/authorize?state=1", name="Example University"),
    ),
    "consent": ("consent", _CONSENT),
    "consent-loopback": ("consent", _LOOPBACK),
    "consent-device": (
        "consent",
        of.ConsentValues(
            **{
                **_consent_of(
                    **{**_LOOPBACK["client"], "kind": "device", "redirect_host": None, "name": "TV"}
                ),
                "form_action": None,
            }
        ),
    ),
    "consent-private": (
        "consent",
        of.ConsentValues(
            **{
                **_consent_of(
                    **{**_LOOPBACK["client"], "kind": "private", "redirect_host": "com.example.app"}
                ),
                "form_action": "com.example.app:",
            }
        ),
    ),
    "consent-unverified": (
        "consent",
        _consent_of(verified=False, redirect_host="calendar-sync.example.net", **_NO_LINKS),
    ),
    "form-post": (
        "form_post",
        of.FormPostValues(
            action="https://calendar.example/cb", fields=[("code", "abc"), ("state", "<&\"'>")]
        ),
    ),
    "go-back": (
        "go_back",
        of.GoBackValues(
            title="This application asked for something impossible",
            message="It asked for a response type that it did not register.",
            code="unauthorized_client",
            client_name="Calendar Sync",
            link="https://calendar.example/cb?error=unauthorized_client",
        ),
    ),
    "device": ("device", of.DeviceValues(csrf="sealed", user_code="WDJB-MJHT", problem=None)),
    "device-again": (
        "device",
        of.DeviceValues(csrf="sealed", user_code="WDJB", problem="No device shows that code now."),
    ),
    "device-allowed": ("device_done", of.DeviceDoneValues(allowed=True)),
    "device-denied": ("device_done", of.DeviceDoneValues(allowed=False)),
    "logout": (
        "logout",
        of.LogoutValues(
            csrf="sealed", form_action=REDIRECT, person=PERSON, client_name="Calendar Sync"
        ),
    ),
    "logged-out": (
        "logged_out",
        of.LoggedOutValues(frames=[], link=REDIRECT, client_name="Calendar Sync"),
    ),
    "logged-out-of-clients": (
        "logged_out",
        of.LoggedOutValues(
            frames=["https://calendar.example/out?sid=1", "https://mail.example/out?sid=2"],
            link="https://calendar.example/",
            client_name="Calendar Sync",
            goes_on=True,
        ),
    ),
    "logged-out-alone": (
        "logged_out",
        of.LoggedOutValues(frames=[], link=None, client_name=None),
    ),
    "account": (
        "account",
        of.AccountValues(
            csrf="sealed",
            person=PERSON,
            connections=[
                of.Connection(
                    client_name="Calendar Sync",
                    client_id="https://calendar.example/oauth/client.json",
                    host="calendar.example",
                    scopes=["Know who you are", "Read your calendars"],
                    since="20 November 2026",
                    last_used="today",
                ),
                of.Connection(
                    client_name="Inspector",
                    client_id="01a2b3c4d5",
                    host="127.0.0.1",
                    scopes=["Know who you are"],
                    since="1 November 2026",
                    last_used=None,
                ),
            ],
            sessions=[
                of.SessionLine(id="a", since="today", last_seen="just now", current=True),
                of.SessionLine(
                    id="b", since="1 November 2026", last_seen="yesterday", current=False
                ),
            ],
            passkeys=[of.PasskeyLine(id="k", name="Laptop", since="1 November 2026")],
            has_one_time_codes=False,
            one_time_code_link="account/one-time-code",
            passkey_link="account/passkey",
        ),
    ),
    "account-empty": (
        "account",
        of.AccountValues(
            csrf="sealed",
            person=PERSON,
            connections=[],
            sessions=[],
            passkeys=[],
            has_one_time_codes=True,
        ),
    ),
    "enrol-one-time-code": (
        "enrol_one_time_code",
        of.EnrolOneTimeCodeValues(csrf="sealed", secret="JBSW Y3DP EHPK 3PXP", qr=QR, problem=None),
    ),
    "enrol-one-time-code-again": (
        "enrol_one_time_code",
        of.EnrolOneTimeCodeValues(
            csrf="sealed",
            secret="JBSW Y3DP EHPK 3PXP",
            qr=QR,
            problem="That is not the code the app shows now.",
        ),
    ),
    "enrol-passkey": (
        "enrol_passkey",
        of.EnrolPasskeyValues(csrf="sealed", options=PASSKEY_CREATION),
    ),
    "error": (
        "error",
        of.ErrorValues(
            title="This redirect URI is not registered",
            message="The application sent you here with an address that is not its own.",
            code="invalid_request",
            reference="5f1e0a",
        ),
    ),
    "error-bare": ("error", of.ErrorValues()),
    "not-found": ("not_found", of.NoValues()),
    "server-error": ("server_error", of.OutageValues(reference="5f1e0a")),
    "setup": ("setup", of.SetupValues(issuer="https://id.example")),
    "setup-done": (
        "setup_done",
        of.SetupDoneValues(issuer="https://id.example", token="rgy_adm_example"),
    ),
    "temporarily-unavailable": ("temporarily_unavailable", of.OutageValues()),
}
"""Case id to the name of a page and its values."""

OURS: Final = frozenset({"action", "form_action", "kind", "link", "logo", "qr", "sensitivity"})
"""Values that are not text of a stranger: parsed by us, made by us, or one of a few words."""


def hostile(value: object, text: str) -> object:
    """Return *value* with *text* wherever a stranger may have written something.

    Addresses stay addresses and carry *text* behind, as one that was parsed could.
    """
    match value:
        case "":
            return value
        case str() if host_of(value):
            return f"{value}?{text}"
        case str():
            return text
        case list() | tuple():
            return type(value)(hostile(one, text) for one in value)
        case dict():
            return {
                name: one if name in OURS else hostile(one, text) for name, one in value.items()
            }
        case _:
            return value


def hostile_values(case: str, text: str) -> Mapping[str, object]:
    """Return the values of the example *case* with *text* in every field of a stranger."""
    values = hostile(dict(EXAMPLES[case][1]), text)
    assert isinstance(values, dict)
    return values


def client_with(**members: object) -> dict[str, object]:
    """Return the client of the example ``consent`` with *members* in place of its own."""
    return {**_WEB_CLIENT, **members}
