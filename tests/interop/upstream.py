"""An organisation's own OpenID provider: npm oidc-provider in a process of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.journeys import NODE_FOLDER, environment, node


@contextmanager
def upstream_provider(folder: Path) -> Iterator[str]:
    """Run the provider; yield its issuer identifier. What it complains of goes into *folder*."""
    log = folder / "provider.log"
    with (
        log.open("wb") as stream,
        subprocess.Popen(
            [node(), str(NODE_FOLDER / "provider.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            env=environment(None),
            text=True,
        ) as process,
    ):
        assert process.stdout
        issuer = process.stdout.readline().strip()
        if not issuer:
            raise RuntimeError(f"the provider did not start:\n{log.read_text()}")
        yield issuer  # it ends when its standard input is closed, on leaving
