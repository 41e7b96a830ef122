"""The guest's console: what comes out of COM1, and typing into it."""

import re
import time

# The shell asks for a command with "$ " at the start of a line.
PROMPT = re.compile(rb"(?<=[\r\n])\$ ")
# What firmware and loader leave on COM1: cursor movements, boot messages, the loader's own lines.
FIRMWARE_END = re.compile(rb".*(?:\x1b\[[0-9;=?]*[A-Za-z]|BdsDxe:[^\n]*\n?|kmemvisor:[^\n]*\n?)", re.DOTALL)


def after_firmware(data):
    """The guest's part of bytes that may begin with the firmware's last ones."""
    found = FIRMWARE_END.match(data)
    return data[found.end() :] if found else data


class NewlineFilter:
    """Turns CR LF into LF in a stream cut anywhere."""

    def __init__(self):
        self.held = b""

    def feed(self, data):
        data = self.held + data
        self.held = b"\r" if data.endswith(b"\r") else b""
        return data[: len(data) - len(self.held)].replace(b"\r\n", b"\n")


class PromptCounter:
    """Counts the shell's prompts in a stream cut anywhere."""

    def __init__(self):
        self.tail = b"\n"
        self.count = 0

    def feed(self, data):
        text = self.tail + data
        self.count += len(PROMPT.findall(text))
        # A prompt can be cut after its line break or after its dollar sign.
        self.tail = text[-2:] if text.endswith(b"$") else text[-1:]


class Typist:
    """
    Types bytes so that none is lost: a serial port holds 16 characters, and a guest that keeps interrupts off
    lets it overflow. So a few characters are sent, and more only when the guest has echoed them.
    """

    BURST = 12

    def __init__(self, send, patience, clock=time.monotonic):
        """`send(data)` returns how many bytes it took. Typing goes on after `patience` seconds without an echo."""
        self.send = send
        self.patience = patience
        self.clock = clock
        self.queue = b""
        self.unechoed = b""
        self.sent_at = 0.0

    def type(self, data):
        self.queue += data
        self.pump()

    def idle(self):
        return not self.queue and not self.unechoed

    def heard(self, data):
        """Tells of console output, where the echo is looked for between whatever else comes."""
        for byte in data:
            if not self.unechoed:
                break
            if byte == self.unechoed[0]:
                self.unechoed = self.unechoed[1:]
        self.pump()

    def pump(self):
        """Sends what may be sent now; to be called now and then while not idle."""
        if self.unechoed and self.clock() - self.sent_at > self.patience:
            self.unechoed = b""
        if self.unechoed or not self.queue:
            return
        count = self.send(self.queue[: self.BURST])
        sent, self.queue = self.queue[:count], self.queue[count:]
        self.unechoed = bytes(byte for byte in sent if byte >= 0x20 and byte != 0x7F)
        self.sent_at = self.clock()
