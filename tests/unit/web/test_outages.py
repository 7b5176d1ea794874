"""What endpoints raise becomes an answer that says who must act, and a line for the operator."""

import json

import pytest

from registrary.ports.store import Conflict, StoreUnavailable
from registrary.protocol.http import HttpRequest, HttpResponse
from registrary.protocol.routes import Route
from registrary.web.gateway import Gateway
from registrary.web.pages.rendering import render_page
from registrary.wiring.directory import Directory

pytestmark = pytest.mark.anyio
CANARY = "c4n4ry-9f8e7d6c5b4a"
PATH = "/store.db: the disk is full"


async def answer_to(error: Exception) -> HttpResponse:
    """Return what a program is told when its endpoint raises *error*."""

    async def fail(request: HttpRequest) -> HttpResponse:
        del request
        raise error

    route = Route("/x", {"GET": fail})
    gateway = Gateway(Directory((route,)), render_page)
    return await gateway.answer(route, HttpRequest("GET", "/x", request_id="abc"))


OUTCOMES = {
    "outage": (StoreUnavailable(PATH), 503, "temporarily_unavailable"),
    "lost-race": (Conflict(CANARY), 409, "conflict"),
    "fault": (ValueError(CANARY), 500, "server_error"),
}


@pytest.mark.parametrize(("error", "status", "code"), OUTCOMES.values(), ids=OUTCOMES.keys())
async def test_a_failure_has_its_status_and_no_text(
    error: Exception, status: int, code: str
) -> None:
    """A client learns whether to come again; what happened is the operator's business."""
    answer = await answer_to(error)

    assert (status, {"error": code}) == (answer.status, json.loads(answer.body))
    assert (status == 503) == (b"retry-after" in dict(answer.headers))


async def test_an_outage_is_one_line_for_the_operator(caplog: pytest.LogCaptureFixture) -> None:
    """With a trace for each request, a full disk would be filled by its own log."""
    await answer_to(StoreUnavailable(PATH))

    (line,) = caplog.records
    assert f"the store is unavailable: {PATH}" == line.getMessage()
    assert (None, "abc") == (line.exc_info, vars(line)["request_id"])


async def test_a_lost_race_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    """Two who keep writing the same record wake nobody at night."""
    await answer_to(Conflict("client"))

    assert [] == caplog.records
