"""``registrary keys``: what the keys in PostgreSQL are sealed under."""

from pathlib import Path
from typing import Annotated

import typer

from registrary.cli.options import ConfigOption, JsonOption, StoreOption, Target, fail

app = typer.Typer(no_args_is_help=True, help="What the keys in PostgreSQL are sealed under.")

FileArgument = Annotated[
    Path | None, typer.Argument(metavar="FILE", help="Where it goes; standard output if absent")
]


@app.command()
def new(file: FileArgument = None, *, as_json: JsonOption = False) -> None:
    """Make a key for the setting keys.encryption_key; a file is for its owner alone.

    Whoever has it and the database can read every sealed secret. Keep a copy in
    another place than the database and its backups.
    """
    import os

    from registrary.cli.output import print_json
    from registrary.cli.session import failures_told
    from registrary.keys.encryption import EncryptionKey, new_encryption_key

    text = new_encryption_key(os.urandom)
    shown = {"id": EncryptionKey.parse(text).id}
    if file is None:
        print_json(shown | {"encryption_key": text}) if as_json else print(text)
        return
    with failures_told():
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            fail(f"{file} exists; a key that is lost cannot be made again, so none is replaced")
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(f"{text}\n")
    print_json(shown | {"file": str(file)}) if as_json else print(f"key {shown['id']} in {file}")


@app.command()
def reseal(
    *, store: StoreOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Seal the keys in PostgreSQL under keys.encryption_key, and no longer under the one before.

    Do it once every server was started with the new key, and the old one as
    keys.previous_encryption_key; which nobody needs any more then.
    """
    import asyncio

    from registrary.cli.output import print_json
    from registrary.cli.session import failures_told
    from registrary.wiring.resealing import reseal_keys

    with failures_told():
        key_id = asyncio.run(reseal_keys(Target(store, config).settings()))
    print_json({"id": key_id}) if as_json else print(f"the keys are sealed under key {key_id}")
