"""The loader's configuration file."""

from kmvlib.conf import write_conf


def test_every_key():
    text = write_conf(128, True, 0x38000000, 16, "a=b c", ["one", "two.bin"], stats=50)
    assert text.splitlines() == [
        "hypervisor = \\EFI\\kmemvisor\\hv.elf",
        "kernel = \\EFI\\kmemvisor\\kernel.elf",
        "module = \\EFI\\kmemvisor\\modules\\one",
        "module = \\EFI\\kmemvisor\\modules\\two.bin",
        "memory = 128",
        "mirror = on",
        "offset = 0x38000000",
        "spare = 16",
        "scrub = 0",
        "on_stop = off",
        "stats = 50",
        "cmdline = a=b c",
    ]
    assert text.endswith("\n")


def test_what_is_not_asked_for_is_left_out():
    text = write_conf(64, False, 0x08000000, 0, "", [])
    assert "cmdline" not in text and "module =" not in text
    assert "mirror = off\n" in text
    assert "offset = 0x08000000\n" in text
