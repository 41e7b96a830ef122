"""The console without and with a terminal."""

import os
import pty
import select
import signal
import subprocess
import time

from machine import BUILD, RUN_SECONDS, TOP, command_line, read_events


def test_piped_into_make_run(tmp_path):
    log = tmp_path / "hv.log"
    done = subprocess.run(
        ["make", "run", f"BUILD={os.path.relpath(BUILD, TOP)}", f"ARGS=--log {log} --timeout {RUN_SECONDS}"],
        cwd=TOP,
        input="echo typed; poweroff\n",
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS + 60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "\ntyped\n" in done.stdout
    assert read_events(log)[-1]["event"] == "summary"


class Typed:
    """kmv at a terminal of its own, and a person at the keys."""

    def __init__(self, folder, *options):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            command_line(folder, *options), stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.screen = b""

    def wait_for(self, text, seconds=RUN_SECONDS):
        """Reads the screen until `text` stands there after what was waited for before."""
        deadline = time.monotonic() + seconds
        while text not in self.screen:
            assert time.monotonic() < deadline, self.screen
            if select.select([self.master], [], [], 0.5)[0]:
                self.screen += self.read()
        self.screen = self.screen.split(text, 1)[1]

    def read(self):
        try:
            return os.read(self.master, 65536)
        except OSError:
            return b""

    def keys(self, data):
        os.write(self.master, data)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        os.close(self.master)


def test_shell_at_a_terminal(tmp_path):
    typed = Typed(tmp_path)
    try:
        typed.wait_for(b"$ ")
        # Ctrl-H takes a character back, Ctrl-C is the guest's and ends nothing here.
        typed.keys(b"echo abx\x08c\r")
        typed.wait_for(b"\nabc\r\n")
        typed.wait_for(b"$ ")
        typed.keys(b"poweroff\r")
        assert typed.process.wait(RUN_SECONDS) == 0
    finally:
        typed.close()


def test_escape_leaves(tmp_path):
    typed = Typed(tmp_path, "--platform", "bare-tcg")
    try:
        typed.wait_for(b"$ ")
        typed.keys(b"echo a\x01\x01b\r")
        typed.wait_for(b"\x01b\r\n")
        typed.keys(b"\x01x")
        assert typed.process.wait(30) == 0
    finally:
        typed.close()
