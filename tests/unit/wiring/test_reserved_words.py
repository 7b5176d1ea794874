"""The words issuers must not have in their paths are those of the routes."""

import pytest

from registrary.core.issuer_address import RESERVED_SEGMENTS
from registrary.wiring.app import Runtime
from tests.unit.wiring.kit import development

pytestmark = pytest.mark.anyio


async def test_every_route_begins_with_a_word_no_issuer_may_have(tmp_path):
    """A route that is added later must not become the address of an issuer."""
    runtime = Runtime(development(tmp_path), {})

    async with runtime.lifespan():
        (site,) = runtime.directory.sites
        templates = [route.template for route in (*site.routes, site.metadata)]
        words = {template.split("/")[1] for template in templates}

    assert set() == words - RESERVED_SEGMENTS
    assert {"register", "api", ".well-known"} <= words
