"""The pages there are, and the values each of them is given."""

from collections.abc import Mapping
from typing import Final

import msgspec

from registrary.protocol import page_values as of

PAGES: Final[Mapping[str, type]] = {
    "account": of.AccountValues,
    "consent": of.ConsentValues,
    "device": of.DeviceValues,
    "device_done": of.DeviceDoneValues,
    "enrol_one_time_code": of.EnrolOneTimeCodeValues,
    "enrol_passkey": of.EnrolPasskeyValues,
    "error": of.ErrorValues,
    "form_post": of.FormPostValues,
    "go_back": of.GoBackValues,
    "logged_out": of.LoggedOutValues,
    "login": of.LoginValues,
    "logout": of.LogoutValues,
    "not_found": of.NoValues,
    "one_time_code": of.OneTimeCodeValues,
    "onward": of.OnwardValues,
    "server_error": of.OutageValues,
    "setup": of.SetupValues,
    "setup_done": of.SetupDoneValues,
    "temporarily_unavailable": of.OutageValues,
}


def checked(name: str, values: Mapping[str, object]) -> dict[str, object]:
    """Return *values* as the page *name* is given them; what may be left out is None.

    Raises KeyError for a page nobody wrote, TypeError for a value the page does not know, and
    ValidationError, which names the place and not the value, for one missing or of another type.
    """
    kind = PAGES[name]
    known = kind.__required_keys__ | kind.__optional_keys__  # type: ignore[attr-defined] # of every TypedDict
    if unknown := values.keys() - known:
        raise TypeError(f"the page {name} knows no value named {', '.join(sorted(unknown))}")
    converted: dict[str, object] = msgspec.convert(dict(values), kind)
    return dict.fromkeys(known) | converted
