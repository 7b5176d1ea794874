"""What each page is given: the table between the endpoints and the templates.

Every text is plain text; the renderer escapes. A value that is missing, of another type or unknown
to its page is a fault of the endpoint, found when the page is rendered. Dates come as text, as
people read them. Every form posts to the address it was served from; its hidden field is ``csrf``.
"""

from typing import Literal, NotRequired, TypedDict


class ErrorValues(TypedDict, total=False):
    """``error``: what is wrong with a request; *code* and *reference* are for who can help."""

    title: str
    message: str
    code: str
    reference: str


class OutageValues(TypedDict, total=False):
    """``temporarily_unavailable`` and ``server_error``."""

    message: str
    code: str
    reference: str


class NoValues(TypedDict):
    """``not_found``."""


class SetupValues(TypedDict):
    """``setup``: button ``setup``."""

    issuer: str


class SetupDoneValues(TypedDict):
    """``setup_done``: the first admin token, shown this once."""

    issuer: str
    token: str


class FormValues(TypedDict):
    """What every form of ours has.

    *form_action* is where the answer to the form may lead besides to ourselves: the origin of the
    redirect URI, or its scheme with a colon for ``[::1]`` and private schemes.
    """

    csrf: str
    form_action: NotRequired[str | None]


class WayBackValues(TypedDict):
    """A form of the way back to a client, whose answer may lead there at once."""

    csrf: str
    form_action: str | None


class PageLinks(TypedDict):
    """What a client says about itself elsewhere; *logo* is an address of our own origin."""

    client_uri: str | None
    tos_uri: str | None
    policy_uri: str | None
    logo: str | None


class AskingClient(TypedDict):
    """Who sent the person here; *host* is that of a URL ``client_id``, else of the way back."""

    name: str
    host: str | None


class Provider(TypedDict):
    """An upstream provider: button ``provider`` with *id* as its value."""

    id: str
    name: str


class LoginValues(WayBackValues):
    """``login``: fields ``username``, ``password``, ``passkey``; buttons ``login``, ``provider``.

    *client* is None where nobody sent the person here. *passkey* is the JSON text of a
    PublicKeyCredentialRequestOptions; the field gets the JSON text of the answer and is empty where
    the person signs in another way.
    """

    client: AskingClient | None
    username: str
    problem: str | None
    providers: list[Provider]
    has_password: bool
    passkey: str | None
    links: PageLinks | None


class OneTimeCodeValues(WayBackValues):
    """``one_time_code``: field ``one_time_code``, button ``login``."""

    problem: str | None
    client: AskingClient | None


class OnwardValues(TypedDict):
    """``onward``: leads to another site at once, or by a link: what a form may not answer with.

    A 303 to a provider would be held by the ``form-action`` of the page before it.
    """

    link: str
    name: str


class ConsentClient(TypedDict):
    """Who asks, told so that a person can judge.

    *client_id_host* is that of a URL ``client_id``. *redirect_host* is where the answer goes: host
    with port, or the private scheme; None for a device, which fetches it. The page warns by itself
    of what *kind* and *verified* mean.
    """

    name: str
    client_id: str
    client_id_host: str | None
    redirect_host: str | None
    kind: Literal["https", "loopback", "private", "device"]
    verified: bool
    registered_at: str
    registered_by: str
    client_uri: str | None
    tos_uri: str | None
    policy_uri: str | None
    logo: str | None


class ScopeLine(TypedDict):
    """A scope; one that is *optional* is a checkbox ``scope`` with *name* as its value."""

    name: str
    description: str
    optional: bool
    checked: bool


class ScopeGroup(TypedDict):
    """Scopes of one sensitivity; the page shows high before medium before low."""

    sensitivity: Literal["low", "medium", "high"]
    scopes: list[ScopeLine]


class ConsentValues(WayBackValues):
    """``consent``: checkboxes ``scope``; buttons ``decision`` with ``allow`` and ``deny``.

    *details* are the lines of ``authorization_details``, *resources* names of what is reached,
    *warnings* what there is to warn of besides what the page sees in *client*.
    """

    client: ConsentClient
    person: str
    groups: list[ScopeGroup]
    details: list[str]
    resources: list[str]
    warnings: list[str]


class FormPostValues(TypedDict):
    """``form_post``: the response to a client as a form that submits itself (Form Post §2)."""

    action: str
    fields: list[tuple[str, str]]


class GoBackValues(TypedDict):
    """``go_back``: an error that ends here, with a *link* that takes it to the client."""

    title: str
    message: str
    code: str
    client_name: str
    link: str


class DeviceValues(FormValues):
    """``device``: field ``user_code``, button ``continue``."""

    user_code: str
    problem: str | None


class DeviceDoneValues(TypedDict):
    """``device_done``."""

    allowed: bool


class LogoutValues(WayBackValues):
    """``logout``: buttons ``decision`` with ``logout`` and ``stay``."""

    person: str
    client_name: str | None


class LoggedOutValues(TypedDict):
    """``logged_out``: *frames* are the front-channel addresses of clients, *link* the way on.

    With *goes_on* the page follows the link by itself once the frames were loaded: only for a
    client that is proved to have asked (RP-Initiated Logout §3).
    """

    frames: list[str]
    link: str | None
    client_name: str | None
    goes_on: NotRequired[bool | None]


class Connection(TypedDict):
    """An application a person let in: button ``disconnect`` with *client_id* as its value."""

    client_name: str
    client_id: str
    host: str
    scopes: list[str]
    since: str
    last_used: str | None


class SessionLine(TypedDict):
    """A browser that is signed in: button ``end_session`` with *id* as its value."""

    id: str
    since: str
    last_seen: str
    current: bool


class PasskeyLine(TypedDict):
    """A passkey: button ``remove_passkey`` with *id* as its value."""

    id: str
    name: str
    since: str


class AccountValues(FormValues):
    """``account``: the buttons of its lines, and ``sign_out_everywhere``.

    *one_time_code_link* and *passkey_link* lead to where these are set up, if they can be.
    """

    person: str
    connections: list[Connection]
    sessions: list[SessionLine]
    passkeys: list[PasskeyLine]
    has_one_time_codes: bool
    one_time_code_link: NotRequired[str | None]
    passkey_link: NotRequired[str | None]


class EnrolOneTimeCodeValues(FormValues):
    """``enrol_one_time_code``: field ``one_time_code``; *qr* is SVG markup of our own making."""

    secret: str
    qr: str
    problem: str | None


class EnrolPasskeyValues(FormValues):
    """``enrol_passkey``: fields ``passkey`` (hidden) and ``name``.

    *options* is the JSON text of a PublicKeyCredentialCreationOptions.
    """

    options: str
    problem: NotRequired[str | None]
