"""Child processes that never outlive kmv, however it ends."""

import ctypes
import os
import signal
import subprocess

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def die_with(parent):
    """Runs in the child before exec: SIGKILL when `parent` is gone, even by SIGKILL."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # The parent may have died between fork and prctl; then no signal would ever come.
    if os.getppid() != parent:
        os._exit(1)


class Child:
    """One machine process in a session of its own, so that a terminal's Ctrl-C reaches kmv alone."""

    def __init__(self, argv, cwd, stdin, stdout, stderr, env=None):
        parent = os.getpid()
        self.process = subprocess.Popen(
            argv,
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=env,
            start_new_session=True,
            preexec_fn=lambda: die_with(parent),
        )

    def status(self):
        """The exit status, None while it runs, negative when a signal ended it."""
        return self.process.poll()

    def kill(self):
        # Bochs ignores SIGTERM, so there is no gentle way.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
