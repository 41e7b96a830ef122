"""The loader's configuration file, \\EFI\\kmemvisor\\kmemvisor.conf: lines of `key = value`."""

FOLDER = "\\EFI\\kmemvisor"
HYPERVISOR = FOLDER + "\\hv.elf"
KERNEL = FOLDER + "\\kernel.elf"
MODULES = FOLDER + "\\modules"


def module_path(name):
    """Where the module file called `name` stands on the boot disk."""
    return f"{MODULES}\\{name}"


def write_conf(mem, mirror, offset, spare, cmdline, modules, on_stop="off", stats=0, scrub=0):
    """The file's text. `mem` and `spare` in MiB, `modules` a list of file names, `stats` millions of ticks, `scrub` permille."""
    lines = [
        ("hypervisor", HYPERVISOR),
        ("kernel", KERNEL),
        *(("module", module_path(name)) for name in modules),
        ("memory", str(mem)),
        ("mirror", "on" if mirror else "off"),
        ("offset", f"0x{offset:08x}"),
        ("spare", str(spare)),
        ("scrub", str(scrub)),
        ("on_stop", on_stop),
        ("stats", str(stats)),
    ]
    if cmdline:
        lines.append(("cmdline", cmdline))
    return "".join(f"{key} = {value}\n" for key, value in lines)
