import json

import pytest

from registrary.ports.store import Conflict, StoreUnavailable
from registrary.protocol.http import HttpRequest, HttpResponse, Page
from registrary.web.gateway import GatewaySettings, RequestSummary
from tests.unit.web.kit import echo, gateway_of, route

pytestmark = pytest.mark.anyio

BROWSER = ((b"accept", b"text/html,application/xhtml+xml,*/*;q=0.8"),)


async def ask(endpoint, method="GET", headers=()):
    """Return the answer of a gateway that has one endpoint."""
    request = HttpRequest(method, "/", headers=headers, body=b"abc", request_id="reference-1")
    return await gateway_of().answer(endpoint, request)


def failing(error, *, cors=False):
    """Return an endpoint that raises *error*."""

    async def fail(request):
        del request
        raise error

    return route("/fail", fail, cors=cors)


async def test_an_address_nobody_serves_is_404():
    """Programs get JSON there too, not a page of some framework's."""
    answer = await ask(None)

    assert 404 == answer.status
    assert {
        "error": "not_found",
        "error_description": "there is nothing at this address",
    } == json.loads(answer.body)


async def test_a_browser_at_an_address_nobody_serves_gets_a_page():
    """The address a server announces is the first thing a person opens."""
    answer = await ask(None, headers=BROWSER)

    assert 404 == answer.status
    assert (b"content-type", b"text/html; charset=utf-8") in answer.headers
    assert b"There is nothing here" in answer.body


async def test_the_admin_api_has_no_pages():
    """Its callers read problem documents, whatever they accept besides."""
    request = HttpRequest("GET", "/api/v1/nothing", headers=BROWSER)

    answer = await gateway_of().answer(None, request)

    assert (404, (b"content-type", b"application/problem+json")) == (
        answer.status,
        answer.headers[0],
    )


async def test_a_method_nobody_serves_is_405_with_those_that_are():
    """The client learns what it may do instead (RFC 9110 §15.5.6)."""
    answer = await ask(route("/echo", echo, method="POST"), "DELETE")

    assert 405 == answer.status
    assert (b"allow", b"POST") in answer.headers
    assert "this address takes POST" == json.loads(answer.body)["error_description"]


async def test_head_is_answered_by_the_endpoint_of_get():
    """Every GET has its HEAD (RFC 9110 §9.1)."""
    answer = await ask(route("/echo", echo), "HEAD")

    assert (200, b"abc") == (answer.status, answer.body)


async def test_head_is_not_made_from_post():
    """It must change nothing (RFC 9110 §9.2.1)."""
    answer = await ask(route("/echo", echo, method="POST"), "HEAD")

    assert 405 == answer.status


@pytest.mark.parametrize(
    ("error", "status"),
    [(Conflict("client"), 409), (StoreUnavailable("the disk"), 503), (KeyError("a bug"), 500)],
    ids=["conflict", "outage", "bug"],
)
async def test_a_failing_operation_answers_by_a_problem_document(error, status):
    """Below the admin API every error has one form (RFC 9457), also for a browser."""

    async def fail(request):
        del request
        raise error

    answer = await ask(route("/api/v1/clients", fail), headers=BROWSER)

    assert (status, status) == (answer.status, json.loads(answer.body)["status"])
    assert (b"content-type", b"application/problem+json") in answer.headers
    assert (status == 503) == ((b"retry-after", b"5") in answer.headers)


@pytest.mark.parametrize(("cors", "status"), [(True, 204), (False, 405)], ids=["open", "closed"])
async def test_a_preflight_is_answered_where_scripts_may_call(cors, status):
    """Elsewhere the browser keeps the script from asking at all."""
    answer = await ask(route("/echo", echo, method="POST", cors=cors), "OPTIONS")

    assert status == answer.status


@pytest.mark.parametrize("method", ["POST", "DELETE"], ids=["answer", "error"])
async def test_every_answer_of_an_open_endpoint_is_readable_for_scripts(method):
    """Of an unreadable error a developer sees only that something failed."""
    answer = await ask(route("/echo", echo, method="POST", cors=True), method)

    assert 1 == answer.headers.count((b"access-control-allow-origin", b"*"))


async def test_an_endpoint_that_opens_its_answer_itself_has_the_header_once():
    """Two are as good as none: browsers refuse them."""
    allowed = (b"access-control-allow-origin", b"*")

    async def open_itself(request):
        del request
        return HttpResponse(200, (allowed,))

    answer = await ask(route("/open", open_itself, cors=True))

    assert 1 == answer.headers.count(allowed)


async def test_a_page_is_rendered():
    """Endpoints name pages and know no markup."""

    async def show(request):
        del request
        return Page("error", 400, {"title": "Not <so>"})

    answer = await ask(route("/page", show))

    assert 400 == answer.status
    assert b"Not &lt;so&gt;" in answer.body


@pytest.mark.parametrize(
    ("headers", "content_type"),
    [((), b"application/json"), (BROWSER, b"text/html; charset=utf-8")],
    ids=["program", "browser"],
)
async def test_a_fault_is_told_in_the_language_of_its_caller(headers, content_type, caplog):
    """People get a page with a reference they can pass on; nobody gets the reason."""
    answer = await ask(failing(RuntimeError("the reason")), headers=headers)

    assert 500 == answer.status
    assert (b"content-type", content_type) in answer.headers
    assert b"the reason" not in answer.body
    assert ["reference-1"] == [vars(record)["request_id"] for record in caplog.records]


async def test_a_fault_of_an_open_endpoint_is_json_even_to_browsers(caplog):
    """Its callers are scripts, whatever they say they accept."""
    answer = await ask(failing(RuntimeError(), cors=True), headers=BROWSER)

    assert "server_error" == json.loads(answer.body)["error"]
    assert 1 == len(caplog.records)


async def test_a_page_nobody_has_written_is_a_fault_and_not_a_crash(caplog):
    """The boundary surrounds the rendering too."""

    async def show(request):
        del request
        return Page("no such page")

    answer = await ask(route("/page", show))

    assert 500 == answer.status
    assert 1 == len(caplog.records)


async def test_a_race_lost_again_and_again_is_409():
    """Nothing was stored, and the same request may succeed later."""
    answer = await ask(failing(Conflict("a")))

    assert (409, "conflict") == (answer.status, json.loads(answer.body)["error"])


@pytest.mark.parametrize(
    ("headers", "word"), [((), b"temporarily_unavailable"), (BROWSER, b"Temporarily unavailable")]
)
async def test_lateness_is_told_with_when_to_come_back(headers, word, caplog):
    """A client that knows when to retry does not hammer (RFC 9110 §10.2.3)."""
    request = HttpRequest("GET", "/", headers=headers)

    answer = gateway_of().late(route("/late", echo), request)

    assert 503 == answer.status
    assert (b"retry-after", b"5") in answer.headers
    assert word in answer.body
    assert 1 == len(caplog.records)


async def test_a_hook_that_fails_is_logged_and_nothing_else(caplog):
    """The answer is out already; a broken counter must not end the connection."""

    def fail(summary):
        raise RuntimeError(summary.template)

    gateway = gateway_of(settings=GatewaySettings(on_finished=fail))

    gateway.finished(RequestSummary("GET", "/a", 200, 1, 1, "reference-1", "127.0.0.1"))

    assert ["a finished request could not be noted"] == [
        record.message for record in caplog.records
    ]


async def test_request_ids_are_never_the_same_and_always_as_long():
    """Two requests under one id cannot be told apart in a log."""
    gateway = gateway_of()

    made = {gateway.new_request_id() for _ in range(10_000)}

    assert 10_000 == len(made)
    assert {20} == {len(name) for name in made}
