"""Whoever types what the quickstart says sees what it promises."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from registrary.testing.server import command, environment, running_server

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)


def commands_of(page: Path) -> str:
    """Return everything to be typed once the server runs, which the first block starts."""
    return "".join(re.findall(BLOCK, page.read_text(encoding="utf-8"))[1:])


def test_the_quickstart_works_as_it_stands(tmp_path):
    """The first five minutes decide whether there will be more."""
    assert shutil.which("curl") is not None, "install curl: the quickstart is typed with it"

    with running_server(tmp_path / "server") as server:
        typed = commands_of(ROOT / "docs" / "quickstart.md")
        typed = typed.replace("http://127.0.0.1:8400", server.url)
        typed = typed.replace("sqlite:///var/registrary.db", server.store_url)
        typed = typed.replace(".venv/bin/python", shlex.quote(sys.executable))
        typed = typed.replace(".venv/bin/registrary", shlex.join(command()))

        done = subprocess.run(
            ["sh", "-eu"],
            input=typed,
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    assert "" == done.stderr
    promises = ("demo.example/profile", "Morning report", "204", "invalid_client", "sound")
    for promised in ('"active":true', *promises):
        assert promised in done.stdout
