"""Validated metadata: an immutable mapping that its rows can read with their type."""

from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, overload

from registrary.core.metadata.field import Field

T = TypeVar("T")


class Metadata(dict[str, Any]):  # Any: values of members are any JSON
    """The metadata of a client, wire name to valid JSON value. Nothing in it may be changed.

    ``metadata[GRANT_TYPES]`` is the value of that row's member, with its type; ``KeyError`` when
    the client has none. It is a `dict`, so that it is compared and encoded like any other.
    """

    __slots__ = ()

    def __missing__(self, key: object) -> Any:  # noqa: ANN401 - the type is that of the row
        # Reached for rows only: the names of members are found before.
        if isinstance(key, Field):
            return super().__getitem__(key.name)
        raise KeyError(key)

    def find(self, field: Field[T]) -> T | None:
        """Return the value of the member *field*, or None when the client has none."""
        found: T | None = self.get(field.name)
        return found

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Field[T], /) -> T: ...
        @overload
        def __getitem__(self, key: str, /) -> Any: ...  # noqa: ANN401 - see the class
        def __getitem__(self, key: object, /) -> Any: ...

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("validated metadata is not changed; resolve a new client")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


EMPTY: Final = Metadata()
