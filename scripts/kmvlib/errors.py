"""Exit statuses of kmv and the one exception that carries them."""

OK = 0
GUEST_FAILED = 1  # the guest powered off with a status other than 0
CHECK_FAILED = 1  # what was to be compared differs
USAGE = 2
HYPERVISOR_PANIC = 3
TIMED_OUT = 4
REFUSED = 5
GUEST_STOPPED = 6


class KmvError(Exception):
    """A failure to tell in one line; `status` is what kmv exits with."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def usage(message):
    """The error for a request that makes no sense, whatever the machine."""
    return KmvError(USAGE, message)
