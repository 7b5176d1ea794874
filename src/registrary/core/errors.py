"""How a value fails: a rule broken by one member, and the problem a client is told about."""

import msgspec


class FieldError(ValueError):
    """A value breaks a rule of its member.

    The text is the rule, never the value. *code* is set only where the member's own error
    code does not fit. The parser that calls adds the member's name and section.
    """

    def __init__(self, rule: str, *, code: str | None = None) -> None:
        super().__init__(rule)
        self.rule = rule
        self.code = code


class Problem(msgspec.Struct, frozen=True):
    """One reason for a refusal, as the client is told it.

    *code* is spelt as on the wire; *field* is the wire name of the member, or empty when the
    whole request is at fault; *section* is the rule's source, such as ``RFC 7591 §2``.
    """

    code: str
    field: str
    rule: str
    section: str
