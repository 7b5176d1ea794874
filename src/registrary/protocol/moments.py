"""Moments as people read them."""

from datetime import datetime


def shown_moment(moment: datetime) -> str:
    """Return *moment* in words, such as ``21 November 2026, 12:00 UTC``."""
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
