"""The log is verified, exported and proved from the command line."""

import msgspec

from registrary.config import Settings
from registrary.wiring.adapters import Vault
from tests.unit.cli.kit import Office, begin


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

    verdict = office.run("audit", "verify", "--json").shown
    assert (True, 2) == (verdict["sound"], verdict["checkpoints"])
