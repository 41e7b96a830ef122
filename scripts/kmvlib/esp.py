"""The EFI system partition a machine boots from: a FAT32 image made with mtools, without root or mounts."""

import os
import subprocess

from kmvlib import conf, mbr
from kmvlib.errors import REFUSED, KmvError

# FAT32 needs 65,525 clusters of 512 bytes: below about 33 MiB, firmware would take the image for FAT16.
MIN_MIB = 40
SLACK_MIB = 8

# The user's own mtools settings and its geometry checks must not decide how the image looks.
MTOOLS_ENV = {"MTOOLSRC": os.devnull, "MTOOLS_SKIP_CHECK": "1"}


def make_esp(image, files, conf_text, partitioned=False):
    """
    Writes the FAT32 image `image`, or, if `partitioned`, a disk with one such partition, which is what all firmware
    takes from a USB stick. `files` maps paths on it (backslashes, from the root) to host files;
    `conf_text` becomes the loader's configuration file.
    """
    conf_file = image + ".conf"
    with open(conf_file, "w", encoding="ascii") as out:
        out.write(conf_text)
    contents = dict(files)
    contents[conf.FOLDER + "\\kmemvisor.conf"] = conf_file

    size = image_mib(contents.values()) << 20
    volume = image
    with open(image, "wb") as out:
        if partitioned:
            volume = mbr.mtools_name(image)
            size += mbr.PARTITION_OFFSET
            out.write(mbr.first_sector(size, mbr.EFI_SYSTEM))
        out.truncate(size)
    mtool("mformat", "-i", volume, "-F", "-v", "KMEMVISOR", "::")
    folders = sorted({folder for path in contents for folder in parents(path)})
    mtool("mmd", "-i", volume, *folders)
    for path, host_file in contents.items():
        mtool("mcopy", "-i", volume, host_file, mtools_path(path))


def image_mib(host_files):
    """Size of an image that holds `host_files`, in MiB."""
    needed = sum(os.path.getsize(name) for name in host_files) >> 20
    return max(MIN_MIB, needed + SLACK_MIB)


def mtools_path(path):
    return "::" + path.replace("\\", "/")


def parents(path):
    """Every folder above `path`, outermost first, in mtools' notation."""
    parts = path.strip("\\").split("\\")[:-1]
    return ["::/" + "/".join(parts[: depth + 1]) for depth in range(len(parts))]


def mtool(*argv):
    result = subprocess.run(
        argv,
        env={**os.environ, **MTOOLS_ENV},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        reason = (result.stderr or result.stdout).strip().replace("\n", "; ")
        raise KmvError(REFUSED, f"boot disk: {argv[0]}: {reason}")
