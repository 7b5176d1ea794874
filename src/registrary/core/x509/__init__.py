"""Certificates of clients: what they are called, who vouches for them (RFC 5280, RFC 8705).

``cryptography`` reads them, in `certificates` and `authorities`; nothing of it is loaded before a
certificate is there.
"""
