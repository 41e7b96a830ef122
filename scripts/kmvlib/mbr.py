"""A disk's first sector with a table of one partition that ends where the disk does."""

import struct

SECTOR = 512
PARTITION_START = 2048  # sectors; a boot loader's core may lie before it
PARTITION_OFFSET = PARTITION_START * SECTOR
TABLE_AT = 446
TABLE_BYTES = 64
SIGNATURE = b"\x55\xaa"
BOOTABLE = 0x80
FAT32_LBA, EFI_SYSTEM = 0x0C, 0xEF  # kinds of partitions
BEYOND_CHS = b"\xfe\xff\xff"


def mtools_name(image):
    """The partition in the file `image`, as mtools want it named."""
    return f"{image}@@{PARTITION_OFFSET}"


def first_sector(size, kind, flags=0, code=b""):
    """The sector of a disk of `size` bytes; `code` is what a BIOS runs, none where firmware looks for files."""
    sectors = size // SECTOR - PARTITION_START
    entry = struct.pack("<B3sB3sII", flags, BEYOND_CHS, kind, BEYOND_CHS, PARTITION_START, sectors)
    return code[:TABLE_AT].ljust(TABLE_AT, b"\0") + entry.ljust(TABLE_BYTES, b"\0") + SIGNATURE
