"""Write the pages that the code itself knows best: `python -m scripts.reference`."""

import itertools
import sys
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, get_args, get_origin

import msgspec
from typer.core import TyperArgument, TyperGroup, TyperOption
from typer.main import get_command

from registrary.cli.main import app
from registrary.config.loading import FILE_SUFFIX, PREFIX, SECRET_SETTINGS
from registrary.config.settings import Settings
from registrary.core.events import SENTENCES, Tag
from registrary.core.metadata import FIELDS, Field
from registrary.keys.local import MemoryKeys
from registrary.keys.maker import LocalKeyMaker
from registrary.keys.signer import LocalSigner
from registrary.protocol.admin.operations import PREFIX as ADMIN_API
from registrary.protocol.admin.operations import Operation
from registrary.protocol.errors import ERRORS
from registrary.registrar.admin_access import AdminAccess
from registrary.registrar.counting import Counting
from registrary.registrar.permissions import SENTENCES as PERMISSIONS
from registrary.registrar.permissions import Permission
from registrary.registrar.services import Services
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import FakeClock
from registrary.testing.entropy import SeededEntropy
from registrary.testing.factories import an_issuer
from registrary.wiring.administration import Administration, admin_operations
from registrary.wiring.contexts import context_of
from registrary.wiring.offline import NoFetcher

FOLDER: Final = Path(__file__).parents[1] / "docs" / "reference"
MEMBER_COLUMNS: Final = ("member", "is", "values", "feature", "§", "says")
NOTE: Final = "<!-- Written by `make docs` from the code; edits here are lost. -->\n"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Render a markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(
        f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in line)}|\n" for line in lines
    )


def commands_page() -> str:
    """List every command of the command line with its arguments and options."""
    page = (
        "# Commands\n\n"
        "Exit codes: 0 done, 1 refused or failed, 2 wrong usage. Commands that work on a store\n"
        "find it by `--store`, the file named by `--config`, or `REGISTRARY_STORE`; they work\n"
        "while the server runs. `registrary COMMAND --help` says the same as this page, and\n"
        "`registrary --version` which version it is.\n"
    )
    for path, command in _commands(get_command(app), ("registrary",)):
        page += f"\n## {' '.join(path)}\n\n{(command.help or '').strip()}\n"
        if rows := [_parameter(parameter) for parameter in command.params]:
            page += f"\n{table(('', 'says', 'default'), rows)}"
    return page


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - the types are private to typer
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from _commands(inner, (*path, name))
    else:
        yield path, command


def _parameter(parameter: TyperArgument | TyperOption) -> tuple[str, ...]:
    says, default = parameter.help or "", parameter.default
    if isinstance(parameter, TyperArgument):
        return f"`{(parameter.name or '').upper()}`", says, ""
    value = "" if parameter.is_flag else " …"
    is_plain = isinstance(default, int | str) and not isinstance(default, bool)
    return (
        f"`{max(parameter.opts, key=len)}{value}`" + (", required" if parameter.required else ""),
        says,
        f"`{default}`" if is_plain else "",
    )


def events_page() -> str:
    """List every kind of event the audit log can hold."""
    rows = [(f"`{tag.value}`", SENTENCES[tag]) for tag in Tag]
    return (
        "# Events of the audit log\n\n"
        "The log holds these kinds of events and no others. How it is kept and proved is told in\n"
        "[the decision on the log](../adr/0004-audit-log-is-a-merkle-tree.md).\n\n"
        + table(("event", "says"), rows)
    )


def errors_page() -> str:
    """List every error code with its status and source."""
    rows = [
        (f"`{row.code}`", str(row.status), row.challenge or "", row.section)
        for row in ERRORS.values()
    ]
    return (
        "# Error codes\n\n"
        "Errors are JSON objects with `error` and, mostly, `error_description`, which names the\n"
        "member and the rule that was broken and never repeats what was sent. Where a challenge\n"
        "is named, the answer carries a `WWW-Authenticate` header of that scheme.\n\n"
        + table(("code", "status", "challenge", "source"), rows)
    )


def admin_api_page() -> str:
    """List every operation of the admin API and every permission."""
    page = (
        "# Admin API\n\n"
        f"Below the issuer, at `{ADMIN_API}`; programs read `{ADMIN_API}/openapi.json`.\n"
        "Every request carries an admin token as bearer token. Lists page by cursor and limit.\n"
        "Errors are problem documents (RFC 9457); a refusal names the missing permission.\n"
    )
    rows = [
        (f"`{one.method} {one.path}`", f"`{one.permission}`", one.summary, _query(one))
        for one in sorted(_admin_operations(), key=lambda one: one.path)
    ]
    page += f"\n## Operations\n\n{table(('operation', 'permission', 'does', 'query'), rows)}"
    permissions = [("`*`", "Everything."), *((f"`{one}`", PERMISSIONS[one]) for one in Permission)]
    return page + f"\n## Permissions\n\n{table(('permission', 'lets its bearer'), permissions)}"


def _query(operation: Operation) -> str:
    return ", ".join(f"`{parameter.name}`" for parameter in operation.query)


def _admin_operations() -> tuple[Operation, ...]:
    """Return the operations as a server has them; none of them is run."""
    store, keys = MemoryStore(), MemoryKeys()
    services = Services(
        store=store,
        clock=FakeClock(),
        entropy=SeededEntropy(),
        fetcher=NoFetcher(),
        secret_keys=keys,
        refusals=Counting(Tag.REFUSALS_COUNTED),
    )
    used = Administration(
        services=services,
        log=store,
        signer=LocalSigner(store, keys),
        key_maker=LocalKeyMaker(keys),
        access=AdminAccess(services),
    )
    return admin_operations(context_of(an_issuer()), used)


def metadata_page() -> str:
    """List every member of client metadata, by the specification that introduced it."""
    page = (
        "# Client metadata\n\n"
        "Members a client may register, in the order that decides the error code when several are\n"
        "wrong. A member marked with a feature is dropped by an issuer that does not offer it; so\n"
        "is every member that is not listed. Members with languages may be repeated with a tag,\n"
        "such as `client_name#fr`. *Values* names the member of the server's own metadata that\n"
        "lists what is accepted.\n"
    )
    for source, members in itertools.groupby(FIELDS, key=_source):
        rows = [_member(member) for member in members]
        page += f"\n## {source}\n\n{table(MEMBER_COLUMNS, rows)}"
    return page


def _source(member: Field[Any]) -> str:
    return member.section.partition(" §")[0]


def _member(member: Field[Any]) -> tuple[str, ...]:
    return (
        f"`{member.name}`" + (", by language" if member.is_internationalized else ""),
        _shape(member.schema),
        f"`{member.announced_by}`" if member.announced_by else "",
        member.feature.value if member.feature else "",
        member.section.partition(" §")[2],
        member.sentence,
    )


def _shape(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f"`{word}`" for word in schema["enum"])
    if schema["type"] == "array":
        return f"array of {_shape(schema['items'])}s"
    return "URI" if schema.get("format") == "uri" else str(schema["type"])


def settings_page() -> str:
    """List every setting by section, with its default and its environment variable."""
    sections = "".join(_settings_section(Settings, ()))
    return (
        "# Settings\n\n"
        "A flag of the command line wins over an environment variable, that over the TOML file\n"
        "(`--config`, or the file named by `REGISTRARY_CONFIG`), that over the default. Unknown\n"
        "names are errors. Secrets may be kept in a file named by the variable with "
        f"`{FILE_SUFFIX}` appended.\n"
        "In variables, lists are separated by commas. What Kubernetes tells of services named\n"
        "`registrary` (`REGISTRARY_SERVICE_HOST`, `REGISTRARY_PORT`, …) is passed over.\n"
        + sections
    )


def _settings_section(shape: type[msgspec.Struct], path: tuple[str, ...]) -> Iterator[str]:
    hints = typing.get_type_hints(shape, include_extras=True)
    rows, inner = [], []
    for setting in msgspec.structs.fields(shape):
        hint = hints[setting.name]
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            inner.append((hint, (*path, setting.name)))
        else:
            rows.append(_setting(setting, hint, (*path, setting.name)))
    title = f"`[{'.'.join(path)}]`" if path else "At the top of the file"
    about = (shape.__doc__ or "").splitlines()[0] if path else ""
    yield f"\n## {title}\n\n" + (f"{about}\n\n" if about else "")
    yield table(("setting", "is", "default", "variable", "meaning"), rows)
    for section, section_path in inner:
        yield from _settings_section(section, section_path)


def _setting(
    setting: msgspec.structs.FieldInfo, hint: object, path: tuple[str, ...]
) -> tuple[str, ...]:
    variable = PREFIX + "__".join(path).upper()
    if ".".join(path) in SECRET_SETTINGS:
        variable += f"` or `{variable}{FILE_SUFFIX}"
    return (
        f"`{setting.name}`",
        _kind(hint),
        _default(setting.default),
        f"`{variable}`",
        " ".join(_descriptions(hint)),
    )


def _descriptions(hint: object) -> Iterator[str]:
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.description:
            yield meta.description


def _kind(hint: object) -> str:
    """Say in a word or two what a value looks like."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _bounded(hint)
    if origin in {UnionType, typing.Union}:
        return " or ".join(_kind(part) for part in get_args(hint) if part is not NoneType)
    if origin is tuple:
        return f"list of {_kind(get_args(hint)[0])}s"
    plain = typing.cast("Any", hint)  # Any: what is left is one of these types
    return {str: "text", int: "number", bool: "true or false"}[plain]


def _bounded(hint: object) -> str:
    kind = _kind(get_args(hint)[0])
    for meta in get_args(hint)[1:]:
        if meta.ge is not None:
            kind += f", {meta.ge} at least"
        if meta.le is not None:
            kind += f", {meta.le} at most"
    return kind


def _default(value: object) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value)
    return f"`{value}`"


PAGES: Final[dict[str, Callable[[], str]]] = {
    "admin-api.md": admin_api_page,
    "commands.md": commands_page,
    "errors.md": errors_page,
    "events.md": events_page,
    "metadata.md": metadata_page,
    "settings.md": settings_page,
}


def rendered(name: str) -> str:
    """Return the page *name* as it has to be."""
    return NOTE + PAGES[name]()


def main() -> int:
    """Write every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in PAGES:
        (FOLDER / name).write_text(rendered(name), encoding="utf-8")
    print(f"Wrote {', '.join(PAGES)} in {FOLDER}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
