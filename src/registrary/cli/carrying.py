"""``registrary export``, ``import`` and ``move``."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registrary.cli.options import ConfigOption, JsonOption, StoreOption, Target

if TYPE_CHECKING:
    from registrary.wiring.carrying.export_file import KeysOf
    from registrary.wiring.carrying.filling import Carried

ExportArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The export to make")]
ImportArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The export to read")]
RecipientOption = Annotated[
    list[str] | None,
    typer.Option("--encrypt-to", metavar="age1…", help="Encrypt it to this key; repeatable"),
]
PassphraseOption = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="A file whose first line encrypts or opens it"),
]
IdentityOption = Annotated[
    Path | None, typer.Option("--identity", help="A file with the private key that opens it")
]


def export(
    file: ExportArgument,
    *,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Put the keys in, in the open")
    ] = False,
    without_credentials: Annotated[
        bool,
        typer.Option("--without-credentials", help="Leave digests and sealed secrets out"),
    ] = False,
    encrypt_to: RecipientOption = None,
    passphrase_file: PassphraseOption = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write all of the store to FILE, in a form that does not depend on the database.

    The server may run: FILE holds the store as it is at one moment. With
    --without-credentials nothing in it opens anything, for a copy to test with.
    """
    from registrary.cli.options import USAGE, fail
    from registrary.cli.output import print_json, print_members
    from registrary.cli.progress import progress_bars
    from registrary.cli.session import failures_told
    from registrary.wiring.carrying.encryption import lock_of
    from registrary.wiring.carrying.exporting import Extent, export_store

    if with_keys and without_credentials:
        fail("--with-keys and --without-credentials exclude each other", code=USAGE)
    extent = Extent(keys=with_keys, credentials=not without_credentials)
    with failures_told(), progress_bars() as stages:
        lock = lock_of(encrypt_to or [], passphrase_file)
        settings = Target(store, config).settings()
        made = asyncio.run(export_store(settings, file, extent=extent, lock=lock, stages=stages))
    shown: dict[str, Any] = {
        "file": str(file),
        "made_at": made.header.made_at,
        "bytes": made.plain_bytes,
        "sha256": made.sha256,
        "rows": made.header.rows,
        "keys": made.header.keys,
        "encrypted": lock is not None,
    }
    if as_json:
        print_json(shown | {"counts": made.header.counts})
        return
    print_members(shown)
    if made.header.credentials:
        tell_of_missing_keys(made.header.keys)


def tell_of_missing_keys(keys: "KeysOf") -> None:
    """Say what must be kept beside a file that has *keys* in this way."""
    if keys == "absent":
        print("\nThe key file is not in it; keep a copy of that too, in another place.")
    elif keys == "sealed":
        print("\nThe keys in it are sealed; keep a copy of keys.encryption_key, in another place.")


def import_(
    file: ImportArgument,
    *,
    keys: Annotated[
        Path | None, typer.Option("--keys", help="The key file, if the export has no keys")
    ] = None,
    identity: IdentityOption = None,
    passphrase_file: PassphraseOption = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fill the empty store of --store with what the export FILE holds, and verify it.

    Nobody can use the store before all of it is there and verified, its audit
    log included. Interrupted, the same command goes on.
    """
    from registrary.cli.progress import progress_bars
    from registrary.cli.session import failures_told
    from registrary.wiring.carrying.encryption import opener_of
    from registrary.wiring.carrying.importing import import_store

    with failures_told(), progress_bars() as stages:
        opener = opener_of(identity, passphrase_file)
        settings = Target(store, config).settings()
        carried = asyncio.run(
            import_store(settings, file, opener=opener, key_file=keys, stages=stages)
        )
    _show(carried, {}, as_json=as_json)


def move(
    *,
    source: Annotated[
        str, typer.Option("--from", help="Store URL of the store that is to be moved")
    ],
    store: StoreOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move a store to another database: records, keys and the whole audit log.

    No server may run on either. Both are verified, and must be the same; the
    source stays as it is. Interrupted, the same command goes on.
    """
    from registrary.cli.progress import progress_bars
    from registrary.cli.session import failures_told
    from registrary.wiring.carrying.moving import move_store

    with failures_told(), progress_bars() as stages:
        settings = Target(store, config).settings()
        moved = asyncio.run(move_store(settings, source, stages=stages))
    _show(moved.target, {"source": moved.source}, as_json=as_json)


def _show(carried: "Carried", others: dict[str, Any], *, as_json: bool) -> None:
    from registrary.cli.output import print_json, print_members
    from registrary.core.client import Client

    if as_json:
        import msgspec

        print_json(others | msgspec.to_builtins(carried))
        return
    logs = [
        f"{log.issuer}: {log.events} events, {log.checkpoints} checkpoints, root {log.root}"
        for log in carried.logs
    ]
    shown: dict[str, Any] = {
        **others,
        "store": carried.store,
        "clients": carried.rows[Client.kind],
        "rows": sum(carried.rows.values()),
        "keys": carried.keys,
        "verified": "\n".join(logs),
    }
    print_members(shown)
    if carried.kept_keys is not None:
        print(f"\nOther keys were there; they are now in {carried.kept_keys}.")
