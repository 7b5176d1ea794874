"""Randomness is spent once."""

import pytest

from registrary.core.entropy import Draw, EntropyExhausted


def test_bytes_are_given_out_once_and_in_order():
    """Two secrets must never share their bytes."""
    draw = Draw(bytes(range(10)))

    taken = [draw.take(4), draw.take(0), draw.take(6)]

    assert [bytes(range(4)), b"", bytes(range(4, 10))] == taken
    assert 0 == draw.remaining


@pytest.mark.parametrize("count", [3, -1])
def test_an_empty_draw_never_answers(count):
    """Running dry must stop the act; it must not shorten a secret."""
    draw = Draw(b"ab")

    with pytest.raises(EntropyExhausted):
        draw.take(count)

    assert 2 == draw.remaining


def test_a_draw_does_not_show_its_bytes():
    """What is random now is a secret soon."""
    assert "canary" not in repr(Draw(b"canary"))
