import asyncio
import json

import pytest

from registrary.core.addresses import Networks
from registrary.protocol.http import HttpResponse
from registrary.web.callers import TrustedProxies
from tests.unit.web.kit import (
    SOON,
    Line,
    connected,
    eventually,
    get,
    patient_but,
    post,
    route,
    serving,
)

pytestmark = pytest.mark.anyio


class Gate:
    """An endpoint that answers when it is let."""

    def __init__(self):
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.passed = asyncio.Event()

    async def __call__(self, request):
        self.entered.set()
        await self.open.wait()
        self.passed.set()
        return HttpResponse(200, (), b"through the gate")

    def route(self):
        return route("/gate", self)


async def test_answers_come_in_the_order_of_requests():
    """A client matches answers to requests by order alone (RFC 9112 §9.3.2)."""
    gate = Gate()

    async with serving(gate.route()) as place, connected(place) as line:
        line.send(get("/gate"), get("/path?2"), post("/echo", b"3"), get("/path?4"))
        await gate.entered.wait()
        gate.open.set()
        bodies = [(await line.answer()).body for _ in range(4)]

    assert [b"through the gate", b"/path?2", b"3", b"/path?4"] == bodies


async def test_thousands_of_requests_in_one_go_are_all_answered():
    """A client that sends ahead is held back, not cut off (RFC 9112 §9.3.2)."""
    count = 5000

    async with serving() as place, connected(place) as line:
        line.send(b"".join(get(f"/path?{number}") for number in range(count)))
        bodies = [(await line.answer()).body for _ in range(count)]

    assert [f"/path?{number}".encode() for number in range(count)] == bodies


async def test_a_late_endpoint_is_answered_for_and_not_broken_off():
    """It may be writing: the caller hears that it takes long, the write goes on."""
    gate = Gate()
    limits = patient_but("answer_seconds")

    async with serving(gate.route(), limits=limits) as place, connected(place) as line:
        line.send(get("/gate"))
        late = await line.answer()
        line.send(get("/path"))
        after = await line.answer()
        gate.open.set()
        await gate.passed.wait()

    assert (503, "5") == (late.status, late.header("retry-after"))
    assert "temporarily_unavailable" == json.loads(late.body)["error"]
    assert 200 == after.status


@pytest.mark.parametrize(
    "header",
    [
        (b"x-note", b"a\r\nset-cookie: b"),
        (b"x-note", b"a\nset-cookie: b"),
        (b"x-note", b"a\rb"),
        (b"x-note", b"a\0b"),
        (b"x-note: a\r\nset-cookie", b"b"),
    ],
    ids=["crlf", "lf", "cr", "nul", "in the name"],
)
async def test_an_answer_cannot_be_split_by_its_headers(header, caplog):
    """Whatever slips into a header value must not become a header, or a second answer (CWE-113)."""

    async def split(request):
        del request
        return HttpResponse(200, (header,), b"body")

    async with serving(route("/split", split)) as place, connected(place) as line:
        line.send(get("/split"), get("/path"))
        broken, after = await line.answer(), await line.answer()

    assert (500, 200) == (broken.status, after.status)
    assert "server_error" == json.loads(broken.body)["error"]
    assert ["an answer could not be written"] == [record.message for record in caplog.records]


async def test_an_endpoint_that_fails_tells_nothing_and_ends_nothing(caplog):
    """The reason is for the operator; the connection and its next request are not to blame."""

    async def fail(request):
        raise RuntimeError("the secret of " + request.method)

    async with serving(route("/fail", fail)) as place, connected(place) as line:
        line.send(get("/fail"), get("/path"))
        broken, after = await line.answer(), await line.answer()

    assert (500, 200) == (broken.status, after.status)
    assert b"secret" not in broken.body
    assert [broken.header("x-request-id")] == [
        vars(record)["request_id"] for record in caplog.records
    ]


async def test_head_is_answered_like_get_without_the_body():
    """The length is that of the body that GET would have had (RFC 9110 §9.3.2)."""
    async with serving() as place, connected(place) as line:
        line.send(get("/path").replace(b"GET", b"HEAD", 1), get("/path"))
        head = await line.answer(to_head=True)
        whole = await line.answer()

    assert whole.header("content-length") == head.header("content-length")
    assert (b"", b"/path?") == (head.body, whole.body)


async def test_a_caller_who_takes_nothing_is_let_go():
    """An answer nobody reads holds memory for as long as its caller likes."""

    async def answer_at_length(request):
        del request
        return HttpResponse(200, (), bytes(16_000_000))

    long = route("/long", answer_at_length)
    limits = patient_but("idle_seconds")
    async with serving(long, limits=limits) as place, connected(place) as line:
        line.stop_taking()
        line.send(get("/long"))
        await eventually(lambda: len(place.noted) == 1)
        await eventually(place.is_deserted)

    assert [200] == [summary.status for summary in place.noted]


async def test_a_caller_who_takes_slowly_gets_everything():
    """A slow line is no attack: as long as something moves, the rest is kept."""
    size = 2_000_000

    async def answer_at_length(request):
        del request
        return HttpResponse(200, (), bytes(size))

    long = route("/long", answer_at_length)
    limits = patient_but("idle_seconds")
    async with serving(long, limits=limits) as place, connected(place) as line:
        line.send(get("/long", "Connection: close"))
        taken = await line.reader.readuntil(b"\r\n\r\n")
        while more := await line.reader.read(100_000):
            taken += more
            await asyncio.sleep(SOON / 10)

    assert size == len(taken.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("leave", [Line.hang_up, Line.reset], ids=["close", "reset"])
async def test_who_hangs_up_does_not_break_off_what_is_under_way(leave, caplog):
    """A registration that was begun is finished, and the log says so, whoever still listens."""
    gate = Gate()

    async with serving(gate.route()) as place, connected(place) as line:
        line.send(get("/gate"), post("/echo", b"abc")[:-1])
        await gate.entered.wait()
        leave(line)
        await asyncio.sleep(0.01)
        gate.open.set()
        await eventually(lambda: place.is_deserted() and not place.state.tasks)

    assert gate.passed.is_set()
    assert ["/gate"] == [summary.template for summary in place.noted]
    assert [] == caplog.records


async def test_a_stopping_server_waits_for_what_a_lost_caller_had_begun():
    """The store must not be closed under a write, whoever asked for it."""
    gate = Gate()

    async with serving(gate.route()) as place, connected(place) as line:
        line.send(get("/gate"))
        await gate.entered.wait()
        line.reset()
        await eventually(place.is_deserted)
        tasks = len(place.state.tasks)
        gate.open.set()
        await eventually(lambda: not place.state.tasks)

    assert 1 == tasks


async def test_who_closes_half_is_answered():
    """A caller may say that nothing more comes and still wait (RFC 9112 §9.6)."""
    gate = Gate()

    async with serving(gate.route()) as place, connected(place) as line:
        line.send(get("/gate"))
        line.finish_sending()
        await gate.entered.wait()
        await asyncio.sleep(0.01)
        gate.open.set()
        answers = await line.answers()

    assert [(b"through the gate", True)] == [(answer.body, answer.closes) for answer in answers]


async def test_who_closes_half_behind_several_requests_is_answered_all():
    """The requests were whole; that no more come changes nothing for them."""
    async with serving() as place, connected(place) as line:
        line.send(get("/path?1"), get("/path?2"), post("/echo", b"3"))
        line.finish_sending()
        answers = await line.answers()

    assert [b"/path?1", b"/path?2", b"3"] == [answer.body for answer in answers]


async def test_a_stopping_server_answers_what_is_under_way():
    """A restart must not look like a failure to whoever was being served."""
    gate = Gate()

    async with (
        serving(gate.route()) as place,
        connected(place) as busy,
        connected(place) as half,
        connected(place) as idle,
    ):
        busy.send(get("/gate"))
        half.send(post("/echo", b"abc")[:-1])
        idle.send(get("/path"))
        await idle.answer()
        await gate.entered.wait()
        place.stop()
        gone = await idle.rest()
        gate.open.set()
        half.send(b"c")
        answers = [*await busy.answers(), *await half.answers()]

    assert b"" == gone
    assert [(200, True), (200, True)] == [(answer.status, answer.closes) for answer in answers]


@pytest.mark.parametrize(
    ("limit", "sent"),
    [
        ("header_seconds", b""),
        ("idle_seconds", get("/path")),
    ],
    ids=["nothing was ever sent", "nothing follows"],
)
async def test_a_connection_at_rest_is_closed_without_a_word(limit, sent):
    """A word nobody asked for would be read as the answer to the next request."""
    async with serving(limits=patient_but(limit)) as place, connected(place) as line:
        line.send(sent)
        answers = await line.answers()

    assert (sent != b"") == bool(answers)
    assert all(answer.status == 200 for answer in answers)


@pytest.mark.parametrize(
    ("limit", "sent", "part"),
    [
        ("header_seconds", b"GET /pa", "headers"),
        ("header_seconds", get("/path")[:-2], "headers"),
        ("body_seconds", post("/echo", b"abc")[:-1], "body"),
        ("body_seconds", post("/echo", b"abc")[:-3], "body"),
    ],
    ids=["request line", "headers", "body", "body not begun"],
)
async def test_a_request_that_does_not_end_is_refused_in_time(limit, sent, part):
    """Whoever sends a byte an hour would hold a connection a day (Slowloris, CWE-400)."""
    async with serving(limits=patient_but(limit)) as place, connected(place) as line:
        line.send(get("/path"), sent)
        _, late = await line.answers()

    assert (408, True) == (late.status, late.closes)
    assert f"the {part} took too long" == json.loads(late.body)["error_description"]


async def test_bytes_that_trickle_in_do_not_move_the_deadline():
    """The deadline is for the whole part, not for the next byte of it."""
    limits = patient_but("header_seconds")

    async with serving(limits=limits) as place, connected(place) as line:
        trickle = asyncio.create_task(send_slowly(line, b"GET /path HTTP/1.1\r\nX: " + b"x" * 9999))
        (late,) = await line.answers()
        trickle.cancel()

    assert 408 == late.status


async def send_slowly(line, data):
    """Send a byte at a time, twenty in the time of a deadline."""
    for octet in data:
        line.send(bytes([octet]))
        await asyncio.sleep(SOON / 20)


async def test_time_does_not_run_while_the_server_does_not_listen():
    """A caller held back by an earlier answer of ours is not late."""
    gate = Gate()
    limits = patient_but("body_seconds")
    begun = post("/echo", b"abc")

    async with serving(gate.route(), limits=limits) as place, connected(place) as line:
        line.send(get("/gate"), get("/path"), begun[:-1])
        await asyncio.sleep(SOON * 2)
        gate.open.set()
        await line.answer()
        await line.answer()
        line.send(begun[-1:])
        last = await line.answer()

    assert (200, b"abc") == (last.status, last.body)


async def test_a_refusal_waits_for_the_answers_before_it():
    """Said too early, it would be taken for the answer to another request."""
    gate = Gate()

    async with serving(gate.route()) as place, connected(place) as line:
        line.send(get("/gate"), get("/path"), b"garbage\r\n\r\n", get("/path"))
        await gate.entered.wait()
        await asyncio.sleep(0.01)
        gate.open.set()
        answers = await line.answers()

    assert [200, 200, 400] == [answer.status for answer in answers]


async def test_a_refusal_is_readable_for_scripts_where_the_endpoint_is():
    """A browser hides an answer without these headers from the page that asked."""
    async with serving() as place, connected(place) as line:
        line.send(post("/open", bytes(1001)))
        (refused,) = await line.answers()

    assert (413, "*") == (refused.status, refused.header("access-control-allow-origin"))


async def test_a_refused_caller_can_read_why_while_still_sending():
    """A reset would overtake the refusal, and the caller would try again (RFC 9112 §9.6)."""
    async with serving() as place, connected(place) as line:
        line.send(post("/echo", bytes(5_000_000)))
        (refused,) = await line.answers()

    assert (413, True) == (refused.status, refused.closes)


async def test_a_refused_caller_who_does_not_leave_is_left():
    """Dropping what he sends must not last for ever."""
    limits = patient_but("parting_seconds")

    async with serving(limits=limits) as place, connected(place) as line:
        line.send(b"garbage\r\n\r\n")
        await line.answers()
        line.send(b"more")
        await eventually(place.is_deserted)

    assert [400] == [summary.status for summary in place.noted]


@pytest.mark.parametrize(
    "request_bytes",
    [
        post("/echo", b"hello", "Connection: Upgrade", "Upgrade: h2c"),
        get("/echo", "Connection: upgrade", "Upgrade: h2c", "Transfer-Encoding: chunked").replace(
            b"GET", b"POST", 1
        )
        + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    ],
    ids=["length", "chunked"],
)
@pytest.mark.parametrize("pieces", [1, 7, 10_000], ids=["whole", "in pieces", "by bytes"])
async def test_an_offer_of_another_protocol_is_ignored(request_bytes, pieces):
    """Java's client offers h2c with its first request, body and all (RFC 9110 §7.8)."""
    sent = request_bytes + get("/path")
    size = max(1, len(sent) // pieces)

    async with serving() as place, connected(place) as line:
        for start in range(0, len(sent), size):
            line.send(sent[start : start + size])
            await asyncio.sleep(0)
        answers = [await line.answer(), await line.answer()]

    assert [b"hello", b"/path?"] == [answer.body for answer in answers]
    assert [False, False] == [answer.closes for answer in answers]


async def test_many_offers_in_one_go_are_all_ignored():
    """Each is read again without the offer, and none costs more than the one before."""
    count = 300

    async with serving() as place, connected(place) as line:
        line.send(get("/path", "Connection: Upgrade", "Upgrade: websocket") * count)
        answers = [await line.answer() for _ in range(count)]

    assert {b"/path?"} == {answer.body for answer in answers}


async def test_every_request_is_noted_once():
    """What is counted here is what operators see; refusals are requests too."""
    async with serving() as place, connected(place) as line:
        line.send(get("/path"), get("/nowhere"), post("/echo", bytes(1001)))
        await line.answers()

    assert [("GET", "/path", 200), ("GET", "", 404), ("POST", "/echo", 413)] == [
        (summary.method, summary.template, summary.status) for summary in place.noted
    ]
    assert 3 == len({summary.request_id for summary in place.noted})


async def test_a_trusted_proxy_speaks_for_its_caller():
    """Limits are counted by caller; behind a proxy all would be one (RFC 7239 §4)."""
    proxies = TrustedProxies(Networks.parse(("127.0.0.0/8",)))

    async with serving(proxies=proxies) as place, connected(place) as line:
        line.send(get("/peer", "X-Forwarded-For: 192.0.2.9, 198.51.100.7"), get("/peer"))
        bodies = [(await line.answer()).body for _ in range(2)]

    assert [b"198.51.100.7", b"127.0.0.1"] == bodies


async def test_nobody_else_speaks_for_a_caller():
    """Or anyone would choose the address that limits count and the log names."""
    async with serving() as place, connected(place) as line:
        line.send(get("/peer", "X-Forwarded-For: 198.51.100.7", "Forwarded: for=198.51.100.7"))
        answer = await line.answer()

    assert b"127.0.0.1" == answer.body


async def test_a_body_is_asked_for_only_when_it_is_wanted():
    """A caller who waits for 100 hears a refusal instead of sending in vain (RFC 9110 §10.1.1)."""
    wanted = post("/echo", b"abc", "Expect: 100-continue")
    unwanted = post("/echo", bytes(1001), "Expect: 100-continue")

    async with serving() as place, connected(place) as line:
        line.send(wanted.removesuffix(b"abc"))
        interim = await line.answer()
        line.send(b"abc")
        final = await line.answer()
        line.send(unwanted.removesuffix(bytes(1001)))
        (refused,) = await line.answers()

    assert [100, 200, 413] == [interim.status, final.status, refused.status]
    assert b"abc" == final.body


async def test_a_body_is_asked_for_when_its_turn_has_come():
    """Before, the interim answer would stand for another request."""
    gate = Gate()
    waiting = post("/echo", b"abc", "Expect: 100-continue").removesuffix(b"abc")

    async with serving(gate.route()) as place, connected(place) as line:
        line.send(get("/gate"), waiting)
        await gate.entered.wait()
        gate.open.set()
        first, interim = await line.answer(), await line.answer()
        line.send(b"abc")
        last = await line.answer()

    assert [200, 100, 200] == [first.status, interim.status, last.status]
