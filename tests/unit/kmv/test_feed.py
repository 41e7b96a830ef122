"""Where the guest's input comes from."""

import os

import pytest

from kmvlib.feed import Pipe, Quit, Script, Terminal, split_commands


@pytest.mark.parametrize(
    "text, commands",
    [
        ("", []),
        ("echo a", ["echo a"]),
        ("echo a; echo b ;", ["echo a", "echo b"]),
        ("(echo a; echo b) | wc; ls", ["(echo a; echo b) | wc", "ls"]),
        (";;a;;", ["a"]),
        ("(a; b", ["(a; b"]),
        ("a); b", ["a)", "b"]),
    ],
)
def test_commands_are_parted(text, commands):
    assert split_commands(text) == commands


class Line:
    """Takes everything typed, and echoes it."""

    def __init__(self):
        self.got = b""
        self.input = None

    def send(self, data):
        self.got += data
        return len(data)

    def echo(self):
        self.input.typist.heard(self.got)


def test_script_types_one_command_a_prompt():
    line = Line()
    line.input = Script(["echo a", "ls"], line.send)
    assert line.got == b""
    seen = []
    for _ in range(4):
        line.input.prompt()
        line.echo()
        seen.append(line.got)
        line.got = b""
    assert seen == [b"echo a\n", b"ls\n", b"poweroff\n", b""]


@pytest.fixture(name="piped")
def open_pipe():
    reader, writer = os.pipe()
    line = Line()
    line.input = Pipe(reader, line.send)
    line.writer = os.fdopen(writer, "wb", buffering=0)
    yield line
    line.writer.close()
    os.close(reader)


def test_piped_lines_wait_for_prompts(piped):
    piped.writer.write(b"one\r\ntwo\nthr")
    piped.input.readable()
    assert piped.got == b""
    piped.input.prompt()
    assert piped.got == b"one\n"
    piped.echo()
    piped.input.prompt()
    piped.echo()
    assert piped.got == b"one\ntwo\n"
    piped.input.prompt()
    assert piped.got == b"one\ntwo\n"
    piped.writer.write(b"ee\n")
    piped.input.readable()
    assert piped.got == b"one\ntwo\nthree\n"


def test_end_of_the_pipe_powers_off(piped):
    piped.writer.write(b"last")
    piped.input.readable()
    piped.writer.close()
    piped.input.readable()
    assert piped.input.descriptor is None
    for _ in range(3):
        piped.input.prompt()
        piped.echo()
    assert piped.got == b"last\npoweroff\n"


def test_terminal_escape():
    terminal = Terminal(0, lambda data: len(data))
    assert terminal.unescape(b"ab\x01\x01c") == b"ab\x01c"
    assert terminal.unescape(b"\x01") == b""
    with pytest.raises(Quit):
        terminal.unescape(b"x")


def test_other_keys_after_the_escape_are_typed():
    terminal = Terminal(0, lambda data: len(data))
    assert terminal.unescape(b"\x01bx") == b"bx"
