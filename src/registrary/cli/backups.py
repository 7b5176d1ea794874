"""``registrary backup`` and ``registrary restore``."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registrary.cli.carrying import (
    IdentityOption,
    PassphraseOption,
    RecipientOption,
    tell_of_missing_keys,
)
from registrary.cli.options import ConfigOption, JsonOption, StoreOption, Target

if TYPE_CHECKING:
    from registrary.wiring.carrying.restoring import Restored

TargetArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The backup to make")]
SourceArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The backup to put back")]


def backup(
    file: TargetArgument,
    *,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Put the keys in too, in the open")
    ] = False,
    encrypt_to: RecipientOption = None,
    passphrase_file: PassphraseOption = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the store to FILE, as it is at one moment, while the server runs.

    The key file is not in the backup unless --with-keys puts it there, and from
    PostgreSQL keys come sealed. A store without its keys is worth nothing: keep a
    copy of the key file, or of keys.encryption_key, and not in the same place.
    """
    from registrary.cli.output import print_json, print_members
    from registrary.cli.progress import progress_bars
    from registrary.cli.session import failures_told
    from registrary.wiring.carrying.backups import make_backup
    from registrary.wiring.carrying.encryption import lock_of

    with failures_told(), progress_bars() as stages:
        lock = lock_of(encrypt_to or [], passphrase_file)
        settings = Target(store, config).settings()
        backup = asyncio.run(
            make_backup(settings, file, with_keys=with_keys, lock=lock, stages=stages)
        )
    made: dict[str, Any] = {
        "file": str(file),
        "made_at": backup.made_at,
        "bytes": backup.bytes,
        "sha256": backup.sha256,
        "with_keys": backup.keys == "plain",
        "encrypted": backup.encrypted,
    }
    if as_json:
        print_json(made)
        return
    print_members(made)
    tell_of_missing_keys(backup.keys)


def restore(
    file: SourceArgument,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the store that is there, and keep it beside")
    ] = False,
    identity: IdentityOption = None,
    passphrase_file: PassphraseOption = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the store in the backup FILE where --store has it, once all of it was verified.

    The server must not run. Nothing is replaced unless the whole backup is sound,
    its audit log included. A database in PostgreSQL must be empty.
    """
    from registrary.cli.output import print_json, print_members
    from registrary.cli.progress import progress_bars
    from registrary.cli.session import failures_told
    from registrary.wiring.carrying.encryption import opener_of
    from registrary.wiring.carrying.restoring import restore_backup

    with failures_told(), progress_bars() as stages:
        opener = opener_of(identity, passphrase_file)
        settings = Target(store, config).settings()
        restored = asyncio.run(
            restore_backup(settings, file, force=force, opener=opener, stages=stages)
        )
    if as_json:
        print_json(restored)
        return
    print_members(_shown(restored))
    if restored.keys == "missing":
        print(f"\nPut the key file of the store at {restored.key_file} before starting the server.")


def _shown(restored: "Restored") -> dict[str, Any]:
    return {
        "store": restored.store,
        "as it was": restored.backup_made_at,
        "issuers": ", ".join(restored.issuers),
        "events": restored.events,
        "keys": restored.keys,
        "replaced": ", ".join(restored.kept) or "nothing",
    }
