"""A person who can be asked over HTTP to go to an address, for programs without a browser."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from tests.interop.people import Browser, Wishes, told


@contextmanager
def at_hand(browser: Browser) -> Iterator[str]:
    """Serve an address that sends *browser* to its parameter ``url`` and tells of the arrival."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Send the person on the way and tell where they arrived, or what went wrong."""
            asked = {name: one for name, (one, *_) in parse_qs(urlsplit(self.path).query).items()}
            url = asked.pop("url")
            try:
                self._say(200, json.dumps(told(browser.visit(url, wished(browser, asked)))))
            except AssertionError as error:
                self._say(500, str(error))

        def _say(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base names it
            """Say nothing: what matters is in the answers."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        browser.close()


def wished(browser: Browser, asked: dict[str, str]) -> Wishes:
    """Return the wishes that *asked* names; ``scopes`` is a list separated by spaces."""
    scopes = frozenset(asked.pop("scopes").split()) if "scopes" in asked else None
    return replace(browser.wishes, scopes=scopes, **asked)
