"""What operators read holds no secret, and one line is one event."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registrary.core.errors import FieldError
from registrary.core.secrets import Secret
from registrary.ports.store import StoreUnavailable
from registrary.testing.server import environment, running_server
from registrary.wiring.logs import JsonFormatter, QuietHandler, TextFormatter, redacted

CANARY = "c4n4ry-9f8e7d6c5b4a"
FORMATTERS = {"json": JsonFormatter(), "text": TextFormatter()}


def written(
    tell: Callable[[logging.Logger], object], *, form: str = "json", name: str = "registrary.test"
) -> str:
    """Return what a log in *form* holds after *tell* used its logger *name*."""
    stream = io.StringIO()
    handler = QuietHandler(stream)
    handler.setFormatter(FORMATTERS[form])
    logger = logging.Logger(name, logging.DEBUG)  # noqa: LOG001 - one of its own for each test
    logger.addHandler(handler)
    tell(logger)
    return stream.getvalue()


def line(tell: Callable[[logging.Logger], object], **more: Any) -> dict[str, Any]:
    """Return the one object that *tell* wrote."""
    told: dict[str, Any] = json.loads(written(tell, **more))
    return told


def failing(error: BaseException) -> Callable[[logging.Logger], None]:
    """Return what logs *error*, raised where a local variable holds the canary."""

    def tell(logger: logging.Logger) -> None:
        presented = CANARY
        try:
            if presented:
                raise error
        except BaseException:
            logger.exception("request failed")

    return tell


SECRETS = {
    "client-secret": f"rgy_cs_{'A' * 40}",
    "registration-access-token": f"rgy_rat_{'b' * 40}",
    "bearer": f"Authorization: Bearer {CANARY}",
    "basic": f"authorization: basic {CANARY}==",
    "header-pairs": f"[(b'authorization', b'Bearer {CANARY}')]",
    "jwt": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
    "unsigned-jwt": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
    "path": f"POST /register/t/{CANARY} HTTP/1.1",
    "path-of-an-issuer": f"POST /tenant/register/t/{CANARY}?dry_run=true",
    "form": f"grant_type=x&client_secret={CANARY}&scope=y",
    "query": f"/token?access_token={CANARY}",
    "assertion": f"client_assertion={CANARY}",
    "code": f"code={CANARY}&state=1",
    "json": f'{{"client_secret": "{CANARY}", "scope": "x"}}',
    "json-with-blanks": f'{{"software_statement" : "a {CANARY} b"}}',
    "python": f"{{'password': '{CANARY}'}}",
    "json-in-json": f'"{{\\"registration_access_token\\": \\"{CANARY}\\"}}"',
    "cookie": f"cookie={CANARY}",
    "database": f"postgresql://registrary:{CANARY}@db.example/registrary",
    "database-unescaped": f"postgresql://registrary:a/b@{CANARY}@db.example/registrary",
    "database-query": f"postgresql://db.example/registrary?user=registrary&password={CANARY}",
    "database-members": f"host=db.example password={CANARY}",
    "url": f"https://someone:{CANARY}@proxy.example/",
}


@pytest.mark.parametrize("form", FORMATTERS)
@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_in_a_text_is_taken_out(text: str, form: str) -> None:
    """A library may log what it was given; the log goes where everybody on call reads it."""
    outputs = [
        written(lambda logger: logger.warning(text), form=form),
        written(lambda logger: logger.warning("%s", text), form=form),
        written(lambda logger: logger.warning("%(given)s", {"given": text}), form=form),
        written(lambda logger: logger.warning("seen", extra={"given": text}), form=form),
        written(lambda logger: logger.warning("seen", extra={"given": [text]}), form=form),
    ]

    for output in outputs:
        assert CANARY not in output
        assert "AAAA" not in output
        assert "bbbb" not in output
        assert "eyJ" not in output
        assert "…" in output or "(JWT)" in output


def test_what_was_taken_out_is_named() -> None:
    """Who reads the log can still tell what kind of thing it was."""
    told = [
        redacted(f"rgy_iat_{'A' * 40} and Bearer {CANARY}"),
        redacted(f"POST /register/t/{CANARY}?dry_run=true"),
        redacted("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."),
        redacted(f"scope=x&client_secret={CANARY}&state=y"),
        redacted(f"postgresql://registrary:{CANARY}@db.example:5432/registrary"),
    ]

    assert [
        "rgy_iat_… and Bearer …",
        "POST /register/t/…?dry_run=true",
        "(JWT)",
        "scope=x&client_secret …&state=y",
        "postgresql://…@db.example:5432/registrary",
    ] == told


@pytest.mark.parametrize(
    "text",
    [
        "client_secret: must be the current one, or left out",
        "a registration access token is required",
        "status_code=200 took 5 ms",
        "https://id.example:8443/register is told to admin@id.example",
        "token_endpoint_auth_method: must be one of none, client_secret_basic",
    ],
)
def test_our_own_sentences_are_left_alone(text: str) -> None:
    """A log in which everything is crossed out helps nobody."""
    assert text == redacted(text)


def chained(error: BaseException, origin: BaseException, *, hidden: bool = False) -> BaseException:
    """Return *error* as if it had been raised from, or while handling, *origin*."""
    error.__context__ = origin
    error.__cause__ = None if hidden else origin
    return error


def with_note(error: BaseException) -> BaseException:
    """Return *error* with a note that holds the canary."""
    error.add_note(f"while reading {CANARY}")
    return error


ERRORS = {
    "message": ValueError(f"invalid literal: {CANARY!r}"),
    "arguments": ValueError("invalid", CANARY, {"body": CANARY}),
    "key": KeyError(CANARY),
    "unicode": UnicodeDecodeError("utf-8", CANARY.encode(), 0, 1, CANARY),
    "exit": SystemExit(CANARY),
    "note": with_note(ValueError("x")),
    "cause": chained(RuntimeError("x"), ValueError(CANARY)),
    "context": chained(RuntimeError("x"), ValueError(CANARY), hidden=True),
    "group": ExceptionGroup(CANARY, [ValueError(CANARY), KeyError(CANARY)]),
    "file": FileNotFoundError(2, "No such file", CANARY),
    "ours-with-a-token": StoreUnavailable(f"Bearer {CANARY}"),
}


@pytest.mark.parametrize("form", FORMATTERS)
@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
def test_an_exception_tells_no_secret(error: BaseException, form: str) -> None:
    """Neither by its text, its arguments, its notes and causes, nor by a variable on the way."""
    output = written(failing(error), form=form)

    assert CANARY not in output
    assert type(error).__name__ in output
    assert "request failed" in output


def test_an_exception_tells_where_it_came_from() -> None:
    """Without its text, type and place must suffice to find the fault."""
    error = chained(RuntimeError("x"), KeyError("y"))

    told = line(failing(error))["exception"]

    cause, effect = told.split("\nwhich led to\n")
    assert "KeyError" == cause
    assert effect.endswith("\nRuntimeError")
    assert "test_logs.py" in effect
    assert "in tell" in effect


def test_an_exception_that_is_its_own_cause_ends() -> None:
    """A circle of causes must not turn one fault into an endless loop."""
    error = ValueError("x")
    other = chained(KeyError("y"), error)

    told = line(failing(chained(error, other)))["exception"]

    assert 1 == told.count("which led to")


def test_texts_written_for_operators_are_told() -> None:
    """That the disk is full must reach who can do something about it."""
    told = [
        line(failing(StoreUnavailable("store.db: the disk is full")))["exception"],
        line(failing(FieldError("must not contain a fragment")))["exception"],
        line(failing(OSError(28, "No space left on device", "x")))["exception"],
    ]

    assert told[0].endswith("StoreUnavailable: store.db: the disk is full")
    assert told[1].endswith("FieldError: must not contain a fragment")
    assert told[2].endswith("OSError: No space left on device")


def test_a_secret_that_is_logged_shows_that_it_is_one() -> None:
    """`Secret` is the first wall, before any pattern."""
    told = line(lambda logger: logger.info("%s", Secret(CANARY), extra={"given": Secret(CANARY)}))

    assert ("Secret(…)", "Secret(…)") == (told["message"], told["given"])


LINE_ENDS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]
FORGED = '{"level": "info", "message": "all is well"}'


@pytest.mark.parametrize("form", FORMATTERS)
@pytest.mark.parametrize("end", LINE_ENDS, ids=[repr(end) for end in LINE_ENDS])
def test_no_text_begins_a_line_of_its_own(end: str, form: str) -> None:
    """Who can write lines into the log can hide what was done there."""
    text = f"x{end}{FORGED}"
    outputs = [
        written(lambda logger: logger.info(text), form=form),
        written(lambda logger: logger.info("%s", text), form=form),
        written(lambda logger: logger.info("seen", extra={"given": text}), form=form),
    ]

    assert [1, 1, 1] == [len(output.splitlines()) for output in outputs]
    assert all(output.endswith("\n") for output in outputs)


@pytest.mark.parametrize("end", LINE_ENDS, ids=[repr(end) for end in LINE_ENDS])
def test_no_exception_begins_a_line_of_its_own(end: str) -> None:
    """Below a line for people stand indented places; a forged line would stand at the margin."""
    error = StoreUnavailable(f"x{end}{FORGED}")

    lines = written(failing(error), form="text").splitlines()

    assert 1 == len([each for each in lines if not each.startswith("  ")])
    assert 1 == len(written(failing(error)).splitlines())


@pytest.mark.parametrize("text", ["\x1b[2J", "\x9b2J", "\u202eabc", "\ud800", "\x00", "\x7f"])
@pytest.mark.parametrize("form", FORMATTERS)
def test_no_text_plays_with_the_terminal(text: str, form: str) -> None:
    """A log is read on a screen that obeys control characters."""
    output = written(lambda logger: logger.info("a%sb", text), form=form)

    assert output.endswith("\n")
    assert output.rstrip("\n").isprintable()
    assert output.encode()


@given(st.text(), st.dictionaries(st.sampled_from(["given", "level", "time"]), st.text()))
def test_every_text_is_one_object_on_one_line(text: str, extra: dict[str, str]) -> None:
    """A machine reads the log; whatever was logged, the next line begins where it should."""
    output = written(lambda logger: logger.info("%s", text, extra=extra))

    told = json.loads(output)
    assert 1 == len(output.splitlines())
    assert ("info", "registrary.test") == (told["level"], told["logger"])
    assert told["time"].endswith("+00:00")


def test_a_path_with_a_quote_leaves_the_line_whole() -> None:
    """Taking a token out of finished JSON took the backslash before the quote along."""
    told = line(lambda logger: logger.info('at /register/t/abc"def'))

    assert 'at /register/t/…"def' == told["message"]


def test_libraries_tell_only_their_first_line() -> None:
    """The event loop goes on with the task that failed, and with its exception."""
    text = f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{CANARY}')>"

    told = line(lambda logger: logger.error(text), name="asyncio")

    assert "Task exception was never retrieved" == told["message"]


class Unspeakable:
    """Something whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError(CANARY)


def test_a_line_that_cannot_be_written_is_missed_and_not_spilt() -> None:
    """The standard library would print the arguments of the record to explain itself."""
    told = [
        line(lambda logger: logger.info("%s", Unspeakable())),
        line(lambda logger: logger.info("%d", CANARY)),
        line(lambda logger: logger.info("seen", extra={"given": Unspeakable()})),
    ]

    assert {"a line could not be written"} == {each["message"] for each in told}
    assert {"registrary.test"} == {each["logger"] for each in told}


def run(program: str, **settings: str) -> list[str]:
    """Run *program* after logging was set up; return the lines of standard error."""
    options = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    prelude = (
        "import logging, sys, threading, warnings\n"
        "from registrary.config.settings import LogSettings\n"
        "from registrary.wiring.logs import set_up_logging\n"
        f"set_up_logging(LogSettings({options}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", prelude + program],
        capture_output=True,
        check=False,
        env=environment(),
        timeout=60,
    )
    assert b"" == done.stdout
    return done.stderr.decode().splitlines()


SPILLS = {
    "process": "raise ValueError('c4n4ry-9f8e7d6c5b4a')",
    "thread": (
        "def fail(): raise ValueError('c4n4ry-9f8e7d6c5b4a')\n"
        "thread = threading.Thread(target=fail)\nthread.start()\nthread.join()"
    ),
    "destructor": (
        "class Thing:\n    def __del__(self): raise ValueError('c4n4ry-9f8e7d6c5b4a')\n"
        "thing = Thing()\ndel thing"
    ),
    "task": (
        "import asyncio\n"
        "async def fail(): raise ValueError('c4n4ry-9f8e7d6c5b4a')\n"
        "async def main():\n    task = asyncio.ensure_future(fail())\n"
        "    await asyncio.sleep(0)\n    await asyncio.sleep(0)\n"
        "asyncio.run(main())"
    ),
}


@pytest.mark.parametrize("program", SPILLS.values(), ids=SPILLS.keys())
def test_what_nobody_caught_is_a_line_of_the_log(program: str) -> None:
    """Python itself would print it to the same stream, text and all."""
    lines = run(program.replace("'c4n4ry-9f8e7d6c5b4a'", "''.join(['c4n4ry', '-9f8e7d6c5b4a'])"))

    told = [json.loads(each) for each in lines]
    assert ["ValueError"] == [each["exception"].splitlines()[-1] for each in told]
    assert CANARY not in "".join(lines)


def test_warnings_of_python_are_lines_of_the_log() -> None:
    """One stream, one form: a collector drops what it cannot read."""
    (told,) = map(json.loads, run("warnings.warn('old', UserWarning)"))

    assert ("warning", "py.warnings") == (told["level"], told["logger"])


LEVELS = {
    "debug": ["registrary debug", "registrary info", "uvicorn info", "library warning"],
    "info": ["registrary info", "uvicorn info", "library warning"],
    "warning": ["library warning"],
    "error": [],
}


@pytest.mark.parametrize(("level", "expected"), LEVELS.items(), ids=LEVELS.keys())
def test_libraries_are_quiet_below_warnings(level: str, expected: list[str]) -> None:
    """At debug level they tell headers as they go over the wire."""
    lines = run(
        "logging.getLogger('registrary.web').debug('registrary debug')\n"
        "logging.getLogger('registrary.web').info('registrary info')\n"
        "logging.getLogger('uvicorn.error').debug('uvicorn debug')\n"
        "logging.getLogger('uvicorn.error').info('uvicorn info')\n"
        "logging.getLogger('httpcore2.http11').debug('library debug')\n"
        "logging.getLogger('httpcore2.http11').info('library info')\n"
        "logging.getLogger('httpcore2.http11').warning('library warning')\n",
        level=level,
    )

    assert expected == [json.loads(each)["message"] for each in lines]


def test_every_process_of_a_server_logs_alike(tmp_path: Path) -> None:
    """Workers start from nothing; what went to standard error then was not redacted."""
    with running_server(tmp_path, "--workers", "2") as server:
        for ending in ("", "-wal", "-shm"):
            server.store.with_name(server.store.name + ending).write_bytes(b"no store" * 20_000)
        document = {"redirect_uris": ["https://app.example/cb"]}
        answer = httpx2.post(f"{server.url}/register", json=document, trust_env=False)

    lines = [text for text in server.log.read_text().splitlines() if text[:1] == "{"]
    said = server.log.read_text().rpartition("\n\n")[2]
    assert 503 == answer.status_code
    assert [json.loads(text)["logger"] for text in lines]
    assert lines == said.splitlines()


def test_people_read_the_request_id_too() -> None:
    """With it a complaint leads to its line, in either form."""
    (told,) = run(
        "logging.getLogger('registrary.web').error('failed', extra={'request_id': 'abc'})",
        format="text",
    )

    assert told.endswith(" ERROR   registrary.web: failed request_id=abc")
