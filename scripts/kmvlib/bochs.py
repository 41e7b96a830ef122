"""Bochs: emulates VT-x with EPT on any host."""

import os
import shutil
import signal
import subprocess

from kmvlib.errors import USAGE, KmvError
from kmvlib.process import Child

PROGRAM = "bochs-bin"  # Debian's `bochs` is a shell script around it
DEFAULT_CPU = "corei7_icelake_u"

# About the speed of a real run on today's hosts, so that guest time passes near real time.
INSTRUCTIONS_A_SECOND = 50_000_000

# The clock starts at one fixed second: with sync=none time is counted in instructions, and runs repeat exactly.
# A person at the console rather wants an idle machine to leave the processor alone, and seconds to be seconds.
SYNC_COUNTED = "none"
SYNC_REAL = "slowdown"

# Errors and infos would fill gigabytes (firmware polls the ACPI timer).
BOCHSRC = """\
plugin_ctrl: unmapped=1, biosdev={biosdev}, speaker=0, extfpuirq=0, parallel=0, serial=1, gameport=0, iodebug=0
config_interface: textconfig
display_library: term
romimage: {rom}
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model={cpu}, count={smp}, ips={ips}, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest={mem}, host={mem}
pci: enabled=1, chipset=i440fx
vga: extension=vbe
clock: sync={sync}, time0=1000000000
boot: disk
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
floppya: type=none
ata0-master: type=disk, path="{boot_disk}", mode=flat
{disk}com1: enabled=1, mode=socket-client, dev=127.0.0.1:{console_port}
com2: enabled=1, mode=socket-client, dev=127.0.0.1:{log_port}
port_e9_hack: enabled=1
log: bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
"""
UEFI = "file=ovmf.fd, address={start:#x}"
UEFI_END = 1 << 32
BIOS = "file=/usr/share/bochs/BIOS-bochs-latest"
SHUTDOWN = "Shutdown port: shutdown requested"
DISK_LINE = 'ata0-slave: type=disk, path="{disk}", mode=flat\n'


class Bochs:
    name = "bochs"
    firmware_seconds = 7
    megahertz = INSTRUCTIONS_A_SECOND // 1_000_000
    monitor = None
    debugger = "c\n"  # the built-in debugger stops before the first instruction; `c` goes on

    def __init__(self, cpu, interactive, smp=1, pokes=False, firmware=None):
        """With `pokes`, memory can be changed while the machine runs. `firmware`: the file."""
        self.firmware = firmware
        self.smp = smp
        self.pokes = pokes
        self.sync = SYNC_REAL if interactive else SYNC_COUNTED
        self.cpu = cpu or DEFAULT_CPU
        models = cpu_models()
        if self.cpu not in models:
            raise KmvError(USAGE, f"--cpu {self.cpu}: bochs has no such model: use one of {' '.join(models)}")

    def start(self, scratch, memory, boot_disk, disk, console, log):
        """Starts the machine in the folder of `scratch`; `memory` in MiB, `disk` None for no guest disk."""
        rom = BIOS
        if self.firmware:
            # Bochs knows no quotes for commas in the name of a folder.
            shutil.copyfile(self.firmware, scratch.path("ovmf.fd"))
            rom = UEFI.format(start=UEFI_END - os.path.getsize(self.firmware))
        text = BOCHSRC.format(
            cpu=self.cpu,
            smp=self.smp,
            ips=INSTRUCTIONS_A_SECOND,
            sync=self.sync,
            mem=memory,
            rom=rom,
            biosdev=int(not self.firmware),
            boot_disk=boot_disk,
            disk=DISK_LINE.format(disk=disk) if disk else "",
            console_port=console.port,
            log_port=log.port,
        )
        write_file(scratch.path("bochsrc"), text)
        write_file(scratch.path("debugger.rc"), self.debugger)
        for name in (boot_disk, disk):
            if name and os.path.exists(name + ".lock"):
                os.remove(name + ".lock")
        with open(scratch.path("bochs.out"), "wb") as out:
            return Child(
                [PROGRAM, "-q", "-f", "bochsrc", "-rc", "debugger.rc"],
                cwd=scratch.folder,
                # The debugger reads commands there once it is interrupted.
                stdin=subprocess.PIPE if self.pokes else subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                # The text screen goes to a pty that Bochs opens; curses still wants a terminal type.
                env={**os.environ, "TERM": "xterm"},
            )

    @staticmethod
    def poke(child, address, word):
        """Has the debugger write 32 bits to the machine's memory, behind everybody's back."""
        child.process.send_signal(signal.SIGINT)
        child.process.stdin.write(f"setpmem {address:#x} 4 {word:#x}\nc\n".encode())
        child.process.stdin.flush()

    def power_off_status(self, exit_status):
        """Bochs leaves with the same status whatever happened, so only the log tells of a power-off."""
        del exit_status

    def diagnosis(self, scratch):
        """What Bochs said last, for an end that nobody announced; "" if nothing."""
        lines = read_lines(scratch.path("bochs.log")) or read_lines(scratch.path("bochs.out"))
        return lines[-1] if lines else ""


class BareBochs(Bochs):
    """The guest alone, started by a BIOS and GRUB: what the same machine does without a hypervisor."""

    name = "bare-bochs"
    firmware_seconds = 2

    def start(self, scratch, memory, boot_disk, disk, console, log):
        self.log = scratch.path("bochs.log")
        return super().start(scratch, memory, boot_disk, disk, console, log)

    def power_off_status(self, exit_status):
        """0 whatever the guest's status was: the port that ends Bochs carries none."""
        del exit_status
        return 0 if any(SHUTDOWN in line for line in read_lines(self.log)) else None


def cpu_models():
    """The names that Bochs accepts for its CPU."""
    result = subprocess.run(
        [PROGRAM, "--help", "cpu"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    words = [line.strip() for line in result.stdout.splitlines()]
    start = words.index("Supported CPU models:") + 2
    return words[start : words.index("", start)]


def write_file(path, text):
    with open(path, "w", encoding="ascii") as out:
        out.write(text)


def read_lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="ascii", errors="replace") as file:
        return [line.strip() for line in file if line.strip()]
