"""The log is verified, exported and proved from the command line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from registrary.config import Settings
from registrary.wiring.adapters import Vault
from tests.unit.cli.kit import Done, Office, begin, run


@pytest.fixture
def events(office: Office) -> list[str]:
    """Register five clients, have their events signed, and return the ids of these."""
    for _ in range(5):
        office.add_client()
    office.sequence()

    async def act(vault: Vault) -> list[str]:
        logged = await vault.store.events(office.issuer_id, first=0, limit=100)
        return [event.event_id for event in logged if event.client_id]

    return office.do(act)


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Return the lines of an export."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def offline(folder: Path, export: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Let the offline verifier judge *export*, as somebody without this program would."""
    program = folder / "verify.py"
    assert 0 == run("audit", "verifier", str(program)).code
    return subprocess.run(
        [sys.executable, "-I", str(program), str(export), *options],
        capture_output=True,
        text=True,
        check=False,
    )


def verdict(done: Done) -> tuple[int, bool]:
    """Return how a verification ended and what it says."""
    return done.code, done.shown["sound"]


def test_a_sound_log_is_found_sound(office, events):
    """A check that cries wolf is switched off."""
    done = office.run("audit", "verify")

    assert 0 == done.code
    assert done.out.startswith("sound        true\n")
    assert len(events) < office.run("audit", "verify", "--json").shown["events"]


@pytest.mark.only_on("sqlite", because="it changes the file")
def test_a_changed_event_is_found_and_named(office, events):
    """Whoever may write to the store may not rewrite what happened."""
    spoilt = apsw.Connection(str(office.path))
    spoilt.execute(
        "DROP TRIGGER event_is_only_erased;"
        "UPDATE event SET body = replace(body, '192.0.2.1', '192.0.2.9') WHERE event_id = ?",
        (bytes.fromhex(events[2].replace("-", "")),),
    )
    spoilt.close()

    done = office.run("audit", "verify")

    assert 1 == done.code
    assert events[2] in done.err
    assert "sound        false" in done.out


@pytest.mark.only_on("sqlite", because="it changes the file")
def test_an_export_is_verified_without_the_store(office, events, tmp_path):
    """Evidence that only its owner can check is none."""
    export = tmp_path / "log.jsonl"
    done = office.run("audit", "export", str(export))
    office.path.unlink()

    assert f"{len(lines_of(export))} lines" in done.out
    assert set(events) <= {line.get("id") for line in lines_of(export)}
    assert (0, True) == verdict(run("audit", "verify", str(export), "--json"))
    assert 0 == offline(tmp_path, export).returncode


@pytest.mark.usefixtures("events")
def test_both_verifiers_tell_the_same_key_and_root(office, tmp_path):
    """Who judges a file by the key in it must know that, and be able to compare."""
    export = tmp_path / "log.jsonl"
    office.run("audit", "export", str(export))
    (key,) = lines_of(export)[0]["keys"]

    plain = run("audit", "verify", str(export))
    trusted = run("audit", "verify", str(export), "--vkey", key)
    judged = offline(tmp_path, export)

    told = f"The key was taken from the export itself; compare it with yours:\n{key}\n"
    assert plain.out.endswith(told)
    assert judged.stdout.endswith(told)
    assert "taken from the export" not in trusted.out
    root = run("audit", "verify", str(export), "--json").shown["root"]
    assert f"under the root {root}." in judged.stdout
    assert f"root         {root}\n" in plain.out


@pytest.mark.usefixtures("events")
def test_programs_learn_what_was_written_and_where(office, tmp_path):
    """A script goes on with the file, and counts what went into it."""
    export, program = tmp_path / "log.jsonl", tmp_path / "verifier.py"

    exported = office.run("audit", "export", str(export), "--json").shown
    written = run("audit", "verifier", str(program), "--json").shown

    assert {"file": str(export), "lines": len(lines_of(export))} == exported
    assert {"file": str(program)} == written


@pytest.mark.usefixtures("events")
def test_an_export_to_standard_output_is_json_as_it_is(office):
    """Lines of an export are for machines anyway; nothing else is among them."""
    plain, asked = (office.run("audit", "export", *more) for more in ((), ("--json",)))

    assert (0, plain.out) == (asked.code, asked.out)


def test_an_export_goes_to_standard_output_where_no_file_is_named(office, events):
    """So that it can be piped to where evidence is kept."""
    done = office.run("audit", "export")

    kinds = [json.loads(line)["kind"] for line in done.out.splitlines()]
    assert ("header", "end") == (kinds[0], kinds[-1])
    assert len(events) < kinds.count("event")


def test_a_proof_convinces_both_verifiers(office, events, tmp_path):
    """One event is shown to an auditor, and none of the others."""
    proof = tmp_path / "proof.jsonl"

    done = office.run("audit", "prove", events[3], "--output", str(proof))

    assert 0 == done.code
    assert events[3] in done.out
    assert [events[3]] == [line["id"] for line in lines_of(proof) if line["kind"] == "event"]
    assert (0, True) == verdict(run("audit", "verify", str(proof), "--json"))
    judged = offline(tmp_path, proof)
    assert (0, True) == (judged.returncode, judged.stdout.startswith("The export is sound"))


def test_a_proof_as_json_holds_what_the_file_holds(office, events, tmp_path):
    """A program keeps it where it keeps its documents."""
    office.run("audit", "prove", events[0], "--output", str(tmp_path / "proof.jsonl"))

    shown = office.run("audit", "prove", events[0], "--json").shown

    assert (tmp_path / "proof.jsonl").read_text() == shown["export"]
    assert events[0] == json.loads(shown["event"])["id"] == shown["event_id"]
    assert shown["checkpoint"].startswith("id.example/audit\n")


def test_a_proof_that_was_tampered_with_convinces_nobody(office, events, tmp_path):
    """An event with another client in it is not the one that was signed."""
    proof = tmp_path / "proof.jsonl"
    office.run("audit", "prove", events[0], "--output", str(proof))
    proof.write_text(proof.read_text().replace("192.0.2.1", "192.0.2.9"))

    done = run("audit", "verify", str(proof), "--json")

    assert (1, False) == verdict(done)
    assert 1 == offline(tmp_path, proof).returncode


def test_a_key_that_is_trusted_must_have_signed(office, events, tmp_path):
    """A forger signs with a key of their own and puts that into the file."""
    proof = tmp_path / "proof.jsonl"
    office.run("audit", "prove", events[0], "--output", str(proof))
    (own,) = lines_of(proof)[0]["keys"]
    stranger = "id.example/audit+7ae96f5c+AYqI43Rr2jHNQOaLJTjjDUbqTVHr/N7bJsMhDBqoSyC8"

    trusted = run("audit", "verify", str(proof), "--vkey", own, "--json")
    mistyped = run("audit", "verify", str(proof), "--vkey", stranger)

    assert (0, True) == verdict(trusted)
    assert (2, True) == (mistyped.code, "--vkey" in mistyped.err)


def test_a_part_of_the_log_comes_with_proofs(office, events, tmp_path):
    """An auditor gets the quarter that is asked for, and not the rest."""
    export = tmp_path / "part.jsonl"

    office.run(
        "audit", "export", str(export), "--from", "2026-11-21T12:00:00Z", "--to", "2027-01-01"
    )

    lines = lines_of(export)
    shown = [line for line in lines if line["kind"] == "event"]
    assert "subset" == lines[0]["selection"]
    assert set(events) <= {line["id"] for line in shown}
    assert all("proof" in line for line in shown)
    assert (0, True) == verdict(run("audit", "verify", str(export), "--json"))
    assert 0 == offline(tmp_path, export).returncode


def test_a_time_without_events_is_an_empty_part(office, events, tmp_path):
    """That nothing happened is an answer too."""
    export = tmp_path / "part.jsonl"

    office.run("audit", "export", str(export), "--to", "1999-01-01")

    assert events
    assert ["header", "checkpoint", "end"] == [line["kind"] for line in lines_of(export)]
    assert (0, True) == verdict(run("audit", "verify", str(export), "--json"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "--from", "yesterday"),
        ("export", "--to", "2026-11-21T12:00"),
        ("verify", "--vkey", "x"),
        ("prove",),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_wrong_usage(office, arguments):
    """A script must not take a misread date for an empty log."""
    assert 2 == office.run("audit", *arguments).code


def test_an_event_that_is_not_there_cannot_be_proved(office, events):
    """Ids are mistyped."""
    done = office.run("audit", "prove", events[0][:-1] + "x")

    assert (1, "registrary: there is no such event\n") == (done.code, done.err)


def test_an_event_without_an_index_says_what_to_do(office):
    """A running server signs it within a second."""
    client = office.add_client()

    async def act(vault: Vault) -> str:
        found = await vault.store.recent_events(
            office.issuer_id, client_id=client.client_id, limit=1
        )
        return found[0].event_id

    done = office.run("audit", "prove", office.do(act))

    assert (1, True) == (done.code, "in a second" in done.err)


def test_a_file_that_is_no_export_is_not_sound(tmp_path):
    """A letter proves nothing."""
    (tmp_path / "letter").write_text("Dear Sir or Madam\n")

    done = run("audit", "verify", str(tmp_path / "letter"), "--json")

    assert (1, False) == verdict(done)
    assert 1 == run("audit", "verify", str(tmp_path / "nothing")).code


def test_a_development_server_that_moves_to_another_port_keeps_its_log(tmp_path):
    """Its log once ended at the first restart: the checkpoints bore another name."""
    office = Office(tmp_path)
    settings = Settings(dev=True, listen="127.0.0.1:8400", store=f"sqlite:///{office.path}")
    moved = msgspec.structs.replace(settings, listen="127.0.0.1:8500")

    async def start(vault: Vault) -> None:
        await begin(vault, settings)

    async def start_again(vault: Vault) -> None:
        await begin(vault, moved)

    office.do(start)
    office.sequence()
    office.do(start_again)
    office.sequence()

    shown = office.run("audit", "verify", "--json").shown
    assert (True, 2) == (shown["sound"], shown["checkpoints"])
