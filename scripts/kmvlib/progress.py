"""What kmv tells on stderr while a machine starts."""

import sys
import time


class Progress:
    """On a terminal one line that is rewritten each second, else one line a phase."""

    def __init__(self, out=sys.stderr, clock=time.monotonic):
        self.out = out
        self.clock = clock
        self.live = out.isatty()
        self.text = ""
        self.started = clock()
        self.shown = ""

    def phase(self, text):
        """A new phase begins; it is shown until the next one."""
        self.text = text
        self.started = self.clock()
        if self.live:
            self.tick()
        else:
            self.write(f"kmv: {text}\n")

    def tick(self):
        """To be called now and then: shows the seconds that the phase has taken."""
        line = f"kmv: {self.text} {self.clock() - self.started:.0f} s"
        if self.live and self.text and line != self.shown:
            self.write(f"\r{line}\x1b[K")
            self.shown = line

    def clear(self):
        """The console begins: takes the line away."""
        if self.live and self.shown:
            self.write("\r\x1b[K")
        self.text = self.shown = ""

    def say(self, text):
        """A line that stays."""
        self.clear()
        self.write(f"kmv: {text}\n")

    def write(self, text):
        try:
            self.out.write(text)
            self.out.flush()
        except BrokenPipeError:
            pass
