"""The disk from which a BIOS starts a Multiboot kernel: GRUB in front of a FAT partition, made without root or mounts."""

import os
import struct
import subprocess

from kmvlib import mbr
from kmvlib.errors import REFUSED, KmvError
from kmvlib.esp import image_mib, mtool

GRUB_FOLDER = "/usr/lib/grub/i386-pc"
GRUB_MODULES = ("biosdisk", "part_msdos", "fat", "multiboot")

ENTRY_AT, HEADERS_AT, HEADER_COUNT_AT = 24, 28, 44  # e_entry, e_phoff, e_phnum of a 32-bit ELF file
HEADER = struct.Struct("<6I")  # p_type, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz
LOAD = 1  # PT_LOAD


def make_bios_disk(image, kernel, modules, cmdline):
    """Writes the disk image `image`, which starts the file `kernel` with `cmdline` and the files `modules`."""
    names = [os.path.basename(module) for module in modules]
    entry = image + ".kernel"
    with open(kernel, "rb") as file:
        data = file.read()
    with open(entry, "wb") as file:
        file.write(with_virtual_entry(data))
    core = image + ".core"
    make_core(core, image + ".cfg", names, cmdline)
    size = (image_mib([entry, *modules]) << 20) + mbr.PARTITION_OFFSET
    with open(image, "wb") as out:
        out.truncate(size)
        out.write(boot_sector(size))
        with open(core, "rb") as file:
            out.write(file.read())
    partition = mbr.mtools_name(image)
    mtool("mformat", "-i", partition, "-F", "-v", "KMEMVISOR", "::")
    for host_file, name in zip([entry, *modules], ["kernel.elf", *names]):
        mtool("mcopy", "-i", partition, host_file, f"::/{name}")


def make_core(core, config, modules, cmdline):
    """GRUB's core, with the commands it runs inside; it has to follow the boot sector on the disk."""
    lines = [f"multiboot (hd0,msdos1)/kernel.elf {cmdline}", *(f"module (hd0,msdos1)/{name} {name}" for name in modules)]
    with open(config, "w", encoding="ascii") as out:
        out.write("\n".join([*lines, "boot", ""]))
    command = ["grub-mkimage", "-O", "i386-pc", "-p", "(hd0,msdos1)", "-c", config, "-o", core, *GRUB_MODULES]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0 or os.path.getsize(core) > mbr.PARTITION_OFFSET - mbr.SECTOR:
        raise KmvError(REFUSED, f"boot disk: grub-mkimage: {done.stderr.strip() or 'its core is too large'}")


def boot_sector(size):
    """GRUB's, for a disk of `size` bytes."""
    with open(os.path.join(GRUB_FOLDER, "boot.img"), "rb") as file:
        return mbr.first_sector(size, mbr.FAT32_LBA, mbr.BOOTABLE, file.read(mbr.SECTOR))


def with_virtual_entry(data):
    """
    A kernel's bytes with a physical entry point turned into a virtual one: Multiboot has the first, GRUB looks it up
    among virtual addresses. What is no 32-bit ELF file stays as it is, for GRUB to refuse.
    """
    if len(data) < HEADER_COUNT_AT + 2 or data[:5] != b"\x7fELF\x01":
        return data
    (entry,) = struct.unpack_from("<I", data, ENTRY_AT)
    (at,) = struct.unpack_from("<I", data, HEADERS_AT)
    (count,) = struct.unpack_from("<H", data, HEADER_COUNT_AT)
    for header in HEADER.iter_unpack(data[at : at + count * HEADER.size]):
        kind, _, virtual, physical, _, size = header
        if kind == LOAD and virtual <= entry < virtual + size:
            return data
        if kind == LOAD and physical <= entry < physical + size:
            patched = bytearray(data)
            struct.pack_into("<I", patched, ENTRY_AT, entry - physical + virtual)
            return bytes(patched)
    return data
