"""The address contract's numbers (hv/include/kmv/contract.h) that a run is checked against."""

from kmvlib.errors import usage

OFFSET_DEFAULT = 0x38000000
OFFSET_ALIGN = 0x00400000
OFFSET_MODULUS = 0x10000000
OFFSET_REMAINDER = 0x08000000
GUEST_RAM_MAX_MIB = 0x36000000 >> 20
KERNEL_BASE = 0x80000000  # guest-virtual; physical 0 of guest-xv6


def parse_offset(text):
    """Turns the hexadecimal text of --offset, with or without 0x, into a valid OFFSET."""
    try:
        offset = int(text, 16)
    except ValueError:
        raise usage(f"--offset {text}: not a hexadecimal number: use one like 38000000") from None
    valid = offset % OFFSET_ALIGN == 0 and offset % OFFSET_MODULUS == OFFSET_REMAINDER
    if not valid or not 0 < offset < 1 << 32:
        raise usage(
            f"--offset {text}: must be 08000000, 18000000, 28000000, 38000000, ... f8000000 "
            "(a multiple of 4 MiB that leaves 08000000 when divided by 10000000)"
        )
    return offset


def default_spare(mem):
    """MiB of spare frames that go with `mem` MiB of guest memory."""
    return max(16, mem // 64)
