"""Which machine a run gets."""

import os
import re

from kmvlib import qemu
from kmvlib.bochs import BareBochs, Bochs

BARE = ("bare-tcg", "bare-bochs")  # without hypervisor
NAMES = ("auto", "bochs", "kvm", "tcg", *BARE)

KVM_DEVICE = "/dev/kvm"
NESTED = "/sys/module/kvm_intel/parameters/nested"
CPU_INFO = "/proc/cpuinfo"


def probe(kvm_device=KVM_DEVICE, nested=NESTED, cpu_info=CPU_INFO):
    """The name that `auto` stands for here: kvm where the host's KVM gives guests VMX, else bochs."""
    if not os.access(kvm_device, os.R_OK | os.W_OK):
        return "bochs"
    if read_text(nested).strip() not in ("Y", "1"):
        return "bochs"
    return "kvm" if re.search(r"^flags\s*:.*\bvmx\b", read_text(cpu_info), re.MULTILINE) else "bochs"


def read_text(path):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def make_machine(options, artifacts):
    """The machine for `options` (options.RunOptions) that runs `artifacts` (artifacts.Artifacts)."""
    name = probe() if options.platform == "auto" else options.platform
    if name == "bochs":
        return Bochs(options.cpu, options.interactive, options.smp, options.on_event is not None, artifacts.firmware)
    if name == "bare-bochs":
        return BareBochs(options.cpu, options.interactive, options.smp)
    if name == "kvm":
        return qemu.kvm(options.cpu, options.smp)
    if name == "tcg":
        return qemu.tcg(options.cpu, options.smp)
    return qemu.BareQemu(options.cpu, artifacts.kernel, options.cmdline, options.modules, options.smp)
