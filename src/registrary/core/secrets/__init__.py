"""Secrets: how they are held, spelt, made, recognised and stored as digests."""

from registrary.core.secrets.digests import Digest, PepperRing
from registrary.core.secrets.secret import Secret
from registrary.core.secrets.tokens import (
    CLIENT_SECRET_DRAW_BYTES,
    FAMILY_KEY_BYTES,
    TOKEN_DRAW_BYTES,
    ParsedToken,
    Prefix,
    is_of_family,
    mint_admin_token,
    mint_client_secret,
    mint_initial_access_token,
    mint_registration_access_token,
    mint_token,
    mint_token_of_family,
    parse_token,
)

__all__ = [
    "CLIENT_SECRET_DRAW_BYTES",
    "FAMILY_KEY_BYTES",
    "TOKEN_DRAW_BYTES",
    "Digest",
    "ParsedToken",
    "PepperRing",
    "Prefix",
    "Secret",
    "is_of_family",
    "mint_admin_token",
    "mint_client_secret",
    "mint_initial_access_token",
    "mint_registration_access_token",
    "mint_token",
    "mint_token_of_family",
    "parse_token",
]
