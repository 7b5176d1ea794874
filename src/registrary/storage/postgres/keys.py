"""Keys that PostgreSQL cannot hold, and so holds no record of."""


def is_storable(text: str) -> bool:
    """Tell whether *text* can be a value of type ``text``: no U+0000, no lone surrogates."""
    if text.isascii():
        return "\0" not in text
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
