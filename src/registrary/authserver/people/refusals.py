"""Why nothing was done about a person or a provider."""


class Unknown(LookupError):
    """There is no such record; the text says of which kind."""


class Unfit(ValueError):
    """What was asked for cannot be; the text names the member and the rule, never the value."""


class Outdated(Exception):
    """The change was based on an older revision than the stored one; nothing was done."""
