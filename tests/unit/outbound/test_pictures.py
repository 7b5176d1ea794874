"""A logo is a small picture by the time anybody sees it, whatever the client sent."""

import asyncio
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from registrary.outbound.pictures import FetchedPictures
from registrary.outbound.redraw import SIZE
from registrary.ports.fetcher import LOGO_URI, Fetched, FetchRefused, Refusal

pytestmark = pytest.mark.anyio

URL = "https://client.example/logo.png"
SCRIPT = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


class Shelf:
    """A `Fetcher` that gives what lies there, None for nothing, and counts how often."""

    def __init__(self, body):
        self.body = body
        self.asked = 0

    async def fetch(self, url, *, purpose):
        """Return the body."""
        self.asked += 1
        assert (URL, LOGO_URI) == (url, purpose)
        if self.body is None:
            raise FetchRefused(Refusal.STATUS, "404")
        return Fetched(self.body, "image/png")


class Waiting:
    """A `Fetcher` that finds nothing once *door* is open, and counts who asked."""

    def __init__(self, door):
        self.door = door
        self.asked = 0

    async def fetch(self, url, *, purpose):
        """Wait, and refuse."""
        self.asked += 1
        await self.door.wait()
        raise FetchRefused(Refusal.STATUS, f"404 {url} {purpose.name}")


def an_image(form="PNG", size=(400, 200), **more):
    """Return an image of *size*."""
    octets = BytesIO()
    mode = "RGB" if form == "JPEG" else "RGBA"
    Image.new(mode, size, "#336699").save(octets, form, **more)
    return octets.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
async def test_a_picture_comes_out_small_and_in_proportion(form):
    """A logo of ten thousand pixels would push the question off the page."""
    drawn = await FetchedPictures(Shelf(an_image(form))).picture(URL)

    assert drawn
    with Image.open(BytesIO(drawn)) as image:
        assert ("PNG", (SIZE[0], SIZE[1] // 2)) == (image.format, image.size)


async def test_nothing_but_pixels_comes_through():
    """What hides behind the pixels is for another reader than a person's eye."""
    said = PngImagePlugin.PngInfo()
    said.add_text("Comment", "<script>alert(1)</script>")
    shelf = Shelf(an_image(pnginfo=said) + SCRIPT)

    drawn = await FetchedPictures(shelf).picture(URL)

    assert drawn
    assert b"script" not in drawn


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="nothing there"),
        pytest.param(SCRIPT, id="svg"),
        pytest.param(b"", id="empty"),
        pytest.param(an_image()[:-40], id="cut off"),
        pytest.param(an_image("BMP"), id="another form"),
        pytest.param(an_image(size=(5000, 5000)), id="too many pixels"),
    ],
)
@pytest.mark.spec("A-127")
async def test_what_is_no_fit_picture_is_not_shown(body):
    """A page without a logo is better than one with a surprise."""
    assert await FetchedPictures(Shelf(body)).picture(URL) is None


async def test_an_address_is_asked_once_an_hour():
    """Whoever opens a page again and again must not make this server knock as often."""
    moments = iter([0.0, 0.0, 3599.0, 3600.0, 3600.0])
    shelf = Shelf(an_image())
    pictures = FetchedPictures(shelf, monotonic=lambda: next(moments))

    for _ in range(3):
        await pictures.picture(URL)

    assert 2 == shelf.asked


async def test_who_asks_at_the_same_time_gets_the_same_drawing():
    """A page that asks a thousand times at once must not start a thousand processes."""
    shelf = Shelf(an_image())
    pictures = FetchedPictures(shelf)

    drawn = await asyncio.gather(*(pictures.picture(URL) for _ in range(50)))

    assert 1 == shelf.asked
    assert 1 == len(set(drawn))
    assert drawn[0]


async def test_only_so_many_are_waited_for_at_once():
    """Each that waits to be drawn is held in memory, at addresses that strangers registered."""
    door = asyncio.Event()
    waiting = Waiting(door)
    pictures = FetchedPictures(waiting)
    asked = [asyncio.create_task(pictures.picture(f"{URL}?{number}")) for number in range(40)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    most = waiting.asked
    refused = [task.done() and task.result() is None for task in asked].count(True)
    door.set()
    await asyncio.gather(*asked)

    assert (32, 8) == (most, refused)


async def test_a_failure_is_remembered_too():
    """A broken logo must not be fetched for everybody who looks."""
    shelf = Shelf(None)
    pictures = FetchedPictures(shelf, monotonic=lambda: 0.0)

    for _ in range(3):
        await pictures.picture(URL)

    assert 1 == shelf.asked
