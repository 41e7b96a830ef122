"""Prompts, line ends, the firmware's rest, and typing."""

import pytest

from kmvlib.console import NewlineFilter, PromptCounter, Typist, after_firmware


def pieces(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize(
    "data, count",
    [
        (b"$ ", 1),
        (b"init: starting sh\n$ echo a\na\n$ ", 2),
        (b"a\r\n$ b\r\n$ zombie!\n", 2),
        (b"cost: 5$ each\n", 0),
        (b"$x \n$\n $ ", 0),
        (b"\n\n$ $ ", 1),
    ],
)
def test_prompts(data, count):
    for size in range(1, len(data) + 1):
        counter = PromptCounter()
        for piece in pieces(data, size):
            counter.feed(piece)
        assert counter.count == count


def test_line_ends():
    data = b"a\r\nb\rc\n\r\n\r\r\nd"
    for size in range(1, len(data) + 1):
        lines = NewlineFilter()
        assert b"".join(lines.feed(piece) for piece in pieces(data, size)) == b"a\nb\rc\n\n\r\nd"


@pytest.mark.parametrize(
    "data, guest",
    [
        (b"", b""),
        (b"guest\n$ ", b"guest\n$ "),
        (b"\x1b[2J\x1b[01;01HBdsDxe: starting Boot0001\r\nguest: up\n", b"guest: up\n"),
        (b"\x1b[=3h\r\nkmemvisor: guest kernel.elf 128 MiB\r\n", b""),
        (b"BdsDxe: a\nkmemvisor: b\r\nguest", b"guest"),
    ],
)
def test_firmware_is_cut_off(data, guest):
    assert after_firmware(data) == guest


class Guest:
    """A serial port that takes what fits, and a clock."""

    def __init__(self, patience=1.0, room=1000):
        self.got = b""
        self.room = room
        self.now = 0.0
        self.typist = Typist(self.take, patience, clock=lambda: self.now)

    def take(self, data):
        self.got += data[: self.room]
        return min(len(data), self.room)


def test_typing_waits_for_the_echo():
    guest = Guest()
    guest.typist.type(b"echo abcdefghijklmnopqrstuvwxyz\n")
    assert guest.got == b"echo abcdefg"
    guest.typist.heard(b"echo ab")
    assert guest.got == b"echo abcdefg"
    guest.typist.heard(b"c[noise]defg")
    assert guest.got == b"echo abcdefghijklmnopqrs"
    guest.typist.heard(b"hijklmnopqrs")
    guest.typist.heard(b"tuvwxyz")
    assert guest.got.endswith(b"xyz\n")
    assert guest.typist.idle()


def test_typing_goes_on_without_an_echo():
    guest = Guest(patience=2.0)
    guest.typist.type(b"a" * 20)
    guest.now = 1.9
    guest.typist.pump()
    assert len(guest.got) == 12
    guest.now = 2.1
    guest.typist.pump()
    assert len(guest.got) == 20


def test_typing_into_a_full_line():
    guest = Guest(room=5)
    guest.typist.type(b"abcdefgh")
    assert guest.got == b"abcde"
    guest.typist.heard(b"abcde")
    assert guest.got == b"abcdefgh"


def test_control_characters_have_no_echo():
    guest = Guest()
    guest.typist.type(b"\x10\x04\n")
    guest.typist.type(b"x")
    assert guest.got == b"\x10\x04\nx"
