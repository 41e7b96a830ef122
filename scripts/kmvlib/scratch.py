"""A run's private folder, and the guest's disk in it."""

import fcntl
import os
import shutil
import tempfile

from kmvlib.errors import KmvError, USAGE


class Scratch:
    """A folder that only this run uses. It goes away at the end, unless the user named it with --keep."""

    def __init__(self, keep=None):
        self.kept = keep is not None
        if self.kept:
            os.makedirs(keep, exist_ok=True)
            self.folder = os.path.abspath(keep)
            self.lock = lock_file(self.path("lock"), f"--keep {keep}: another run uses this folder")
        else:
            self.folder = tempfile.mkdtemp(prefix="kmv-")

    def path(self, name):
        return os.path.join(self.folder, name)

    def remove(self):
        if not self.kept:
            shutil.rmtree(self.folder, ignore_errors=True)


def lock_file(path, refusal):
    """Locks `path` until the returned descriptor is closed; the error `refusal` if another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise KmvError(USAGE, refusal) from None
    return descriptor


def private_disk(scratch, image):
    """A copy of the build's image: runs side by side each change their own."""
    copy = scratch.path("disk.img")
    shutil.copyfile(image, copy)
    os.chmod(copy, 0o600)
    return copy


def shared_disk(scratch, image):
    """
    The user's image, to be changed in place, and the descriptor that locks it. Emulators see it through a link
    in the scratch folder, so that lock files they leave behind never stand beside the image.
    """
    descriptor = lock_file(image, f"--disk {image}: another run uses this disk: wait for its end or give it a copy")
    link = scratch.path("disk.img")
    if os.path.lexists(link):
        os.remove(link)
    os.symlink(os.path.abspath(image), link)
    return link, descriptor
