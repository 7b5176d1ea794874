"""Every page at an address of its own, as browsers get it, for looking at it alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final
from urllib.parse import parse_qs, urlsplit

from registrary.protocol.http import HttpResponse, Page
from registrary.web.pages.rendering import render_page
from tests.unit.web.pages.examples import EXAMPLES, hostile_values

LOGO: Final = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
    b'<rect width="64" height="64" rx="12" fill="#0b7a75"/><circle cx="32" cy="32" r="14" '
    b'fill="#fff"/></svg>'
)


def answer(address: str) -> HttpResponse:
    """Return the page at *address*: a case of the examples, with ``?text=`` for hostile values."""
    parts = urlsplit(address)
    if parts.path.startswith("/logos/"):
        return HttpResponse(200, ((b"content-type", b"image/svg+xml"),), LOGO)
    case = parts.path.removeprefix("/")
    if case == "favicon.ico":
        return HttpResponse(204)
    name, values = EXAMPLES[case]
    if text := parse_qs(parts.query).get("text"):
        values = hostile_values(case, text[0])
    return render_page(Page(name, 200, values))


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer with a page."""
        self._send(answer(self.path))

    def do_POST(self) -> None:
        """Repeat what was posted."""
        octets = self.rfile.read(int(self.headers["content-length"]))
        self._send(HttpResponse(200, ((b"content-type", b"text/plain"),), octets))

    def _send(self, response: HttpResponse) -> None:
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name.decode(), value.decode())
        self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
        """Say nothing."""


@contextmanager
def gallery() -> Iterator[str]:
    """Serve the pages on a free port of this machine; yield where."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
