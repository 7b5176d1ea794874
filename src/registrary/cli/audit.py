"""``registrary audit``: prove the log, and take it elsewhere."""

import sys
from base64 import b64encode
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registrary.cli.options import (
    FAILED,
    USAGE,
    ConfigOption,
    IssuerOption,
    JsonOption,
    StoreOption,
    Target,
    fail,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import BinaryIO

    from registrary.audit.faults import Verdict
    from registrary.cli.session import Desk
    from registrary.protocol.admin.proofs import InclusionProof

app = typer.Typer(no_args_is_help=True, help="The tamper-evident log.")

FileArgument = Annotated[
    Path | None, typer.Argument(metavar="FILE", help="An export to verify instead of the store")
]
KeyOption = Annotated[
    list[str] | None, typer.Option("--vkey", help="A key you trust, for an export; repeatable")
]
PreviousOption = Annotated[
    Path | None, typer.Option("--previous", help="A checkpoint kept from earlier, for an export")
]
FromOption = Annotated[
    str | None, typer.Option("--from", help="From this moment on: a date, or RFC 3339")
]
ToOption = Annotated[
    str | None, typer.Option("--to", help="Before this moment: a date, or RFC 3339")
]


@app.command()
def verify(
    file: FileArgument = None,
    *,
    vkey: KeyOption = None,
    previous: PreviousOption = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold every event, tile and checkpoint against what was signed.

    In the store, or in FILE, which `audit export` or `audit prove` wrote; that
    needs no store.
    """
    if file is None:
        if vkey or previous:
            fail("--vkey and --previous are for an export: name its FILE", code=USAGE)
        verdict = _kept_verdict(Target(store, config, issuer))
    else:
        verdict = _export_verdict(file, vkey or [], previous)
    _show(verdict, as_json=as_json)
    if not verdict.is_sound:
        raise typer.Exit(FAILED)


@app.command()
def prove(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="The event to prove")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the proof to this file, to be verified")
    ] = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that an event is in the log: the event, its proof and the signed checkpoint.

    The file that --output writes convinces `registrary audit verify FILE`, and
    the offline verifier, without the store. With --json the same text is the
    member export.
    """
    from registrary.cli.output import print_json, print_members
    from registrary.cli.session import work
    from registrary.wiring.log_reading import prove_event

    async def act(desk: "Desk") -> "InclusionProof":
        return await prove_event(desk.vault.store, desk.context.issuer, event_id)

    proof = work(Target(store, config, issuer), act)
    if output is not None:
        _write(output, lambda stream: stream.write(proof.export.encode()))
    if as_json:
        print_json(proof)
        return
    print_members(_proof_shown(proof))
    if output is None:
        print("\nWith --output FILE it can be verified: registrary audit verify FILE")
    else:
        print(f"\nverify it: registrary audit verify {output}")


@app.command()
def export(
    output: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Where it goes; standard output if absent"),
    ] = None,
    *,
    since: FromOption = None,
    until: ToOption = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the log, to be verified anywhere: all of it, or what happened in a time.

    A part holds a proof for each event that it was in the whole. An export is
    lines of JSON; --json is about what is said of one that goes to FILE.
    """
    from registrary.cli.output import print_json
    from registrary.cli.progress import progress_bars
    from registrary.cli.session import work
    from registrary.wiring.log_reading import Period, export_lines

    period = Period(_moment(since, "from"), _moment(until, "to"))

    async def act(desk: "Desk", stream: "BinaryIO") -> int:
        count = 0
        with progress_bars() as stages:
            progress = stages("exporting")
            async for line in export_lines(
                desk.vault.store, desk.context.issuer, period, progress=progress
            ):
                stream.write(line)
                count += 1
        return count

    target = Target(store, config, issuer)
    if output is None:
        work(target, lambda desk: act(desk, sys.stdout.buffer))
        return
    count = 0

    def write(stream: "BinaryIO") -> None:
        nonlocal count
        count = work(target, lambda desk: act(desk, stream))

    _write(output, write)
    shown = {"file": str(output), "lines": count}
    print_json(shown) if as_json else print(f"{count} lines in {output}")


@app.command()
def verifier(
    output: Annotated[Path, typer.Argument(metavar="FILE", help="Where the program goes")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Write the offline verifier, one file that needs Python and nothing else."""
    from registrary.cli.output import print_json

    program = files("registrary.audit") / "offline_verifier.py"
    _write(output, lambda stream: stream.write(program.read_bytes()))
    print_json({"file": str(output)}) if as_json else print(f"run: python {output} EXPORT")


def _kept_verdict(target: Target) -> "Verdict":
    from registrary.cli.progress import progress_bars
    from registrary.cli.session import work
    from registrary.wiring.log_reading import verify_kept_log

    async def act(desk: "Desk") -> "Verdict":
        with progress_bars() as stages:
            return await verify_kept_log(
                desk.vault.store, desk.context.issuer, progress=stages("verifying")
            )

    return work(target, act)


def _export_verdict(file: Path, vkeys: list[str], previous: Path | None) -> "Verdict":
    from registrary.audit.checkpoint import CheckpointError, parse_verifier_key
    from registrary.audit.verify_export import verify_export
    from registrary.cli.session import failures_told

    with failures_told():
        try:
            keys = [parse_verifier_key(text) for text in vkeys]
        except CheckpointError as error:
            fail(f"--vkey: {error}", code=USAGE)
        note = None if previous is None else previous.read_text(encoding="utf-8")
        with file.open("rb") as lines:
            return verify_export(lines, keys=keys, previous=note)


def _show(verdict: "Verdict", *, as_json: bool) -> None:
    from registrary.cli.output import print_json, print_members, visible

    shown: dict[str, Any] = {
        "sound": verdict.is_sound,
        "events": verdict.events,
        "checkpoints": verdict.checkpoints,
        "signed_size": verdict.size,
        "root": b64encode(verdict.root).decode(),
    }
    faults = [str(fault) for fault in verdict.faults]
    if as_json:
        print_json({**shown, "faults": faults, "own_keys": verdict.own_keys})
        return
    for fault in faults:
        print(f"FAULT  {fault}", file=sys.stderr)
    print_members(shown)
    if verdict.own_keys:
        print("\nThe key was taken from the export itself; compare it with yours:")
        print(*map(visible, verdict.own_keys), sep="\n")


def _proof_shown(proof: "InclusionProof") -> dict[str, Any]:
    """Return a proof for people; programs take all of it."""
    return {
        "event_id": proof.event_id,
        "time": proof.time,
        "event": proof.event if proof.event is not None else "erased",
        "index": proof.index,
        "leaf_hash": proof.leaf_hash,
        "proof": " ".join(proof.proof),
        "size": proof.size,
        "key": " ".join(proof.keys),
        "checkpoint": "\n" + proof.checkpoint.rstrip(),
    }


def _moment(text: str | None, option: str) -> "datetime | None":
    from registrary.protocol.admin.events import parse_moment
    from registrary.registrar.administration import NotPossible

    try:
        return parse_moment(text, option)
    except NotPossible as error:
        fail(f"--{error}", code=USAGE)


def _write(output: Path, write: "Callable[[BinaryIO], object]") -> None:
    """Let *write* fill the file *output*; any failure ends the process with one line."""
    from registrary.cli.session import failures_told

    with failures_told(), output.open("wb") as stream:
        write(stream)
