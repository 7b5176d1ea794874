"""Why a token is not taken."""


class JoseError(ValueError):
    """A token is malformed, not signed by a key it may be signed by, or says what it must not.

    *rule* says which demand was not met, without any value of the token: for logs and tests.
    """

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class UnknownKey(JoseError):
    """None of the keys at hand verifies the signature; a newer set of keys might."""
