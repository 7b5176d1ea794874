"""Settings from flags, environment, TOML file and defaults, in that order of precedence."""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from registrary.config.settings import Settings

PREFIX: Final = "REGISTRARY_"
CONFIG_VARIABLE: Final = "REGISTRARY_CONFIG"
FILE_SUFFIX: Final = "_FILE"
SECRET_SETTINGS: Final = frozenset({"admin_token"})


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
        raise SettingsError(f"settings: {error}") from error


def _configured_file(environment: Mapping[str, str]) -> Path | None:
    named = environment.get(CONFIG_VARIABLE)
    return Path(named) if named else None


def _from_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[list[str], Any]]:
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable == CONFIG_VARIABLE:
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name.endswith(FILE_SUFFIX.lower()) and name.removesuffix("_file") in SECRET_SETTINGS:
            yield [name.removesuffix("_file")], _secret_from(Path(text), variable)
        else:
            path = name.split("__")
            yield path, _listed(path, text)


def _listed(path: list[str], text: str) -> Any:  # noqa: ANN401 - either text or a list of texts
    """Split a comma-separated value where the setting is a list."""
    annotation: Any = Settings
    for part in path:
        fields = {field.name: field.type for field in msgspec.structs.fields(annotation)}
        if part not in fields:
            return text
        annotation = fields[part]
    return (
        [item.strip() for item in text.split(",") if item.strip()]
        if ("tuple" in str(annotation))
        else text
    )


def _secret_from(path: Path, variable: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{variable}: cannot read the file: {error.strerror}") from error


def _put(target: dict[str, Any], path: list[str], value: object) -> None:
    for part in path[:-1]:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            raise SettingsError(f"{'.'.join(path)}: {part} is not a section")
    target[path[-1]] = value


def _refuse_unknown(values: Mapping[str, Any], shape: type[msgspec.Struct], where: str) -> None:
    fields = {field.name: field.type for field in msgspec.structs.fields(shape)}
    for name, value in values.items():
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=1)
            hint = f"; did you mean {where}{near[0]}?" if near else ""
            raise SettingsError(f"unknown setting {where}{name}{hint}")
        kind = fields[name]
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if not isinstance(value, Mapping):
                raise SettingsError(f"{where}{name} is a section, not a value")
            _refuse_unknown(value, kind, f"{where}{name}.")
