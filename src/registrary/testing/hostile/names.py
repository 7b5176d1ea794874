"""Names that lead somewhere else each time they are looked up."""

import asyncio
from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from registrary.core.addresses import Address
from registrary.ports.fetcher import FetchRefused, Refusal


class FlippingResolver:
    """Gives the answers of a script: the first on the first look-up, the last ever after.

    *answers* holds, for each host, one list of addresses per look-up; a host that is missing has
    no address. Each answer takes *delay_seconds*. *asked* lists the hosts looked up, in order.
    Stands in for ``outbound.resolver.SystemResolver``.
    """

    def __init__(
        self, answers: Mapping[str, Sequence[Sequence[str]]], *, delay_seconds: float = 0
    ) -> None:
        self._answers = {host: list(script) for host, script in answers.items()}
        self._delay_seconds = delay_seconds
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """Return the next answer for *host*; raise FetchRefused when it has none."""
        self.asked.append(host)
        await asyncio.sleep(self._delay_seconds)
        script = self._answers.get(host)
        if not script:
            raise FetchRefused(Refusal.UNRESOLVED, f"{host} has no address")
        answer = script.pop(0) if len(script) > 1 else script[0]
        return [ip_address(text) for text in answer]
