"""Pages of a development server are shown to browsers that reach it by a name of its machine."""

import typing
from contextlib import asynccontextmanager

import msgspec
import pytest

from registrary.protocol.http import HttpRequest, Page
from registrary.protocol.routes import Route
from registrary.wiring.app import Runtime
from tests.unit.wiring.kit import development, production

pytestmark = pytest.mark.anyio

OWN = ["localhost:8400", "LOCALHOST", "a.localhost:1", "127.0.0.1:8400", "127.0.0.2", "[::1]:8400"]
FOREIGN = [
    "evil.example:8400",
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "192.0.2.1:8400",
    "[2001:db8::1]",
]


@asynccontextmanager
async def pages_of(settings):
    """Run a server with *settings*, for its routes that answer with pages."""
    runtime = Runtime(msgspec.structs.replace(settings, admin_token=None), {})
    async with runtime.lifespan():
        (site,) = runtime.directory.sites
        yield [route for route in site.routes if shows_pages(route)]


def shows_pages(route: Route) -> bool:
    """Tell whether a handler of *route* says that it answers with a page."""
    answers = [typing.get_type_hints(handler)["return"] for handler in route.handlers.values()]
    return any(Page in (answer, *typing.get_args(answer)) for answer in answers)


async def statuses(routes, host, **more):
    """Return what each of *routes* answers, by method and template, to a browser at *host*."""
    headers = ((b"host", host.encode()), *((k.encode(), v.encode()) for k, v in more.items()))
    return {
        f"{method} {route.template}": (
            await route(HttpRequest(method, route.template, headers=headers))
        ).status
        for route in routes
        for method in route.methods
    }


async def test_every_route_with_a_page_is_for_people(tmp_path):
    """A page that is added later must be guarded like the first one."""
    async with pages_of(development(tmp_path)) as routes:
        pass

    assert {"/authorize", "/device", "/logout", "/setup/{token}"} <= {
        route.template for route in routes
    }
    assert [] == [route.template for route in routes if not route.for_people]


@pytest.mark.parametrize("host", FOREIGN)
async def test_no_page_is_shown_under_a_foreign_name(tmp_path, host):
    """A page elsewhere whose name leads here (DNS rebinding) would be of one origin with ours."""
    async with pages_of(development(tmp_path)) as routes:
        answers = await statuses(routes, host, **{"x-forwarded-host": "localhost"})

    assert {421} == set(answers.values()), answers


@pytest.mark.parametrize("host", OWN)
async def test_pages_are_shown_under_every_name_of_the_machine(tmp_path, host):
    """A developer may type any of them."""
    async with pages_of(development(tmp_path)) as routes:
        answers = await statuses(routes, host)

    assert 421 not in answers.values()


async def test_outside_development_the_name_is_the_business_of_the_proxy(tmp_path):
    """One issuer ignores the header; several compare it with their addresses."""
    async with pages_of(production(tmp_path)) as routes:
        answers = await statuses(routes, "id.example")

    assert 421 not in answers.values()
