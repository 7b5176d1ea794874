"""Registrary: a self-hosted OAuth client registrar and authorization server."""
