"""Where the guest's input comes from: commands given with --exec, lines of a pipe, or a terminal."""

import os
import termios

from kmvlib.console import Typist

POWER_OFF = b"poweroff\n"
ECHO_PATIENCE = 2.0
KEYBOARD_PATIENCE = 0.1  # a person notices a longer pause, and types no faster than a guest listens


def split_commands(text):
    """The commands of --exec: parted at each `;` outside parentheses, empty ones dropped."""
    commands, depth, start = [], 0, 0
    for position, char in enumerate(text + ";"):
        depth += (char == "(") - (char == ")")
        if char == ";" and (depth <= 0 or position == len(text)):
            commands.append(text[start:position].strip())
            start = position + 1
    return [command for command in commands if command]


class Feed:
    """What all of them have, as a run calls it: `typist` types, `descriptor` is what to wait for, None for nothing."""

    descriptor = None

    def machine_up(self):
        """The machine runs: nothing to prepare, the first prompt starts it."""

    def shown(self, data):
        """What of the guest's output the user sees: all."""
        return data

    def prompt(self):
        """The guest's shell waits for a command: the user sees it."""

    def close(self):
        """Nothing to give back."""


class Script(Feed):
    """Types one command at each prompt, then powers off."""

    def __init__(self, commands, send):
        self.lines = [command.encode() + b"\n" for command in commands] + [POWER_OFF]
        self.typist = Typist(send, ECHO_PATIENCE)

    def prompt(self):
        if self.lines:
            self.typist.type(self.lines.pop(0))


class Pipe(Feed):
    """Types the lines of standard input, one at each prompt; powers off when they end."""

    def __init__(self, descriptor, send):
        self.descriptor = descriptor
        self.partial = b""
        self.lines = []
        self.prompts = 0
        self.typist = Typist(send, ECHO_PATIENCE)

    def readable(self):
        data = os.read(self.descriptor, 65536)
        *lines, self.partial = (self.partial + data).split(b"\n")
        self.lines += [line.rstrip(b"\r") + b"\n" for line in lines]
        if not data:
            self.descriptor = None
            self.lines += [self.partial + b"\n"] if self.partial else []
            self.lines.append(POWER_OFF)
        self.answer()

    def prompt(self):
        self.prompts += 1
        self.answer()

    def answer(self):
        while self.prompts and self.lines:
            self.prompts -= 1
            self.typist.type(self.lines.pop(0))


class Quit(Exception):
    """The user asked to leave."""


class Terminal(Feed):
    """The user's terminal as the guest's. Ctrl-A x leaves, Ctrl-A Ctrl-A types one Ctrl-A."""

    ESCAPE = 1  # Ctrl-A

    def __init__(self, descriptor, send):
        self.terminal = descriptor
        self.descriptor = None
        self.saved = None
        self.escaped = False
        self.typist = Typist(send, KEYBOARD_PATIENCE)

    def machine_up(self):
        """Keys go to the guest from here on; before, Ctrl-C ends kmv as usual."""
        self.saved = termios.tcgetattr(self.terminal)
        mode = termios.tcgetattr(self.terminal)
        mode[0] &= ~termios.IXON
        # Output flags stay: the guest ends its lines with a line feed alone.
        mode[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self.terminal, termios.TCSADRAIN, mode)
        self.descriptor = self.terminal

    def readable(self):
        data = os.read(self.descriptor, 4096)
        if not data:
            raise Quit
        self.typist.type(self.unescape(data))

    def unescape(self, data):
        keys = bytearray()
        for key in data:
            if self.escaped and key in b"xX":
                raise Quit
            if self.escaped or key != self.ESCAPE:
                keys.append(key)
            self.escaped = key == self.ESCAPE and not self.escaped
        return bytes(keys)


    def close(self):
        if self.saved is not None:
            termios.tcsetattr(self.terminal, termios.TCSADRAIN, self.saved)
