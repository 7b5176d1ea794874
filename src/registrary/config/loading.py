"""Settings from flags, environment, TOML file and defaults, in that order of precedence."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from registrary.config.settings import Settings

PREFIX: Final = "REGISTRARY_"
CONFIG_VARIABLE: Final = "REGISTRARY_CONFIG"
FILE_SUFFIX: Final = "_FILE"
SECRET_SETTINGS: Final = frozenset(
    {
        "admin_token",
        "store",  # a URL may hold a password
        "keys.encryption_key",
        "keys.previous_encryption_key",
        "postgres.direct",
    }
)
KINDS: Final = {
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
}
BOUNDS: Final = {">=": "at least", "<=": "at most"}
WRONG: Final = re.compile(r"Expected `(?P<kind>\w+)( \| null)?`( (?P<bound>[<>]=) (?P<limit>\d+))?")
# What Kubernetes tells containers about services whose names begin with "registrary".
SERVICE_LINK: Final = re.compile(
    r"(\w+_)?(SERVICE_HOST=|SERVICE_PORT(_\w+)?=|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?=|PORT=\w+://).*",
    re.DOTALL,
)


class SettingsError(ValueError):
    """A setting cannot be used; the text names it and what would do."""


def load_settings(
    *,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str],
    config_file: Path | None = None,
) -> Settings:
    """Return the settings that apply; raises `SettingsError` for unknown names or wrong types.

    *flags* maps names to values, None meaning that the flag was not given. Whether a server
    may start with them is judged by `check_for_serving`.
    """
    file = config_file or _configured_file(environment)
    merged = _from_file(file) if file else {}
    for path, value in _from_environment(environment):
        _put(merged, path, value)
    for name, value in (flags or {}).items():
        if value is not None:
            merged[name] = value
    _refuse_unknown(merged, Settings, "")
    try:
        return msgspec.convert(merged, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_rule(str(error))) from error


def _configured_file(environment: Mapping[str, str]) -> Path | None:
    named = environment.get(CONFIG_VARIABLE)
    return Path(named) if named else None


def _from_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not TOML: not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[list[str], Any]]:
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable == CONFIG_VARIABLE:
            continue
        name = variable.removeprefix(PREFIX).lower()
        secret = name.removesuffix(FILE_SUFFIX.lower()).split("__")
        if name.endswith(FILE_SUFFIX.lower()) and ".".join(secret) in SECRET_SETTINGS:
            if variable.removesuffix(FILE_SUFFIX) in environment:
                raise SettingsError(f"{variable.removesuffix(FILE_SUFFIX)} and {variable}: set one")
            yield secret, _secret_from(Path(text), variable)
        else:
            path = name.split("__")
            kind = _kind_of(path)
            if kind is not None:
                yield path, _listed(kind, text)
            elif not SERVICE_LINK.fullmatch(f"{variable.removeprefix(PREFIX)}={text}"):
                raise SettingsError(f"unknown setting {variable}{_nearest_variable(name)}")


def _fields(shape: object) -> dict[str, Any]:  # Any: types, and what stands for them
    """Return the types of a section's settings by name; empty where *shape* is no section."""
    if not isinstance(shape, type) or not issubclass(shape, msgspec.Struct):
        return {}
    return {field.name: field.type for field in msgspec.structs.fields(shape)}


def _kind_of(path: list[str]) -> object:
    """Return the type of the setting at *path*, None where there is none."""
    kind: object = Settings
    for part in path:
        kind = _fields(kind).get(part)
    return kind


def _paths(shape: object, *where: str) -> Iterator[str]:
    """Yield the names of all settings as variables spell them, without prefix."""
    for name, kind in _fields(shape).items():
        if _fields(kind):
            yield from _paths(kind, *where, name)
        else:
            yield "__".join((*where, name))


def _nearest_variable(name: str) -> str:
    near = difflib.get_close_matches(name, _paths(Settings), n=1)
    return f"; did you mean {PREFIX}{near[0].upper()}?" if near else ""


def _listed(kind: object, text: str) -> str | list[str]:
    """Split a comma-separated value where the setting is a list."""
    if "tuple" not in str(kind):
        return text
    return [item.strip() for item in text.split(",") if item.strip()]


def _secret_from(path: Path, variable: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{variable}: cannot read the file: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{variable}: the file is not UTF-8 text") from error


def _put(target: dict[str, Any], path: list[str], value: object) -> None:
    for part in path[:-1]:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            raise SettingsError(f"{'.'.join(path)}: {part} is not a section")
    target[path[-1]] = value


def _refuse_unknown(values: Mapping[str, Any], shape: object, where: str) -> None:
    fields = _fields(shape)
    for name, value in values.items():
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=1)
            hint = f"; did you mean {where}{near[0]}?" if near else ""
            raise SettingsError(f"unknown setting {where}{name}{hint}")
        if _fields(fields[name]):
            if not isinstance(value, Mapping):
                raise SettingsError(f"{where}{name} is a section, not a value")
            _refuse_unknown(value, fields[name], f"{where}{name}.")


def _rule(problem: str) -> str:
    """Say what a setting must be, in our words; *problem* is in those of msgspec."""
    cause, _, place = problem.partition(" - at ")
    name, is_item, _ = place.strip("`").removeprefix("$.").partition("[")
    wrong = WRONG.match(cause)
    if wrong is None:
        return f"{name}: {cause}"
    must = "each must be" if is_item else "must be"
    rule = f"{name}: {must} {KINDS.get(wrong['kind'], wrong['kind'])}"
    return f"{rule}, {BOUNDS[wrong['bound']]} {wrong['limit']}" if wrong["bound"] else rule
