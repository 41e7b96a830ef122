"""QEMU: nested KVM on Intel hosts, TCG (no VMX) to see the refusal, and bare TCG for the guest without hypervisor."""

import json
import os
import subprocess

from kmvlib.channel import Channel
from kmvlib.process import Child

FIRMWARE = "/usr/share/ovmf/OVMF.fd"
DEBUG_EXIT_PORT = 0x501


class Monitor:
    """QEMU's monitor (QMP), to learn why a machine ended: a triple fault looks like a power-off otherwise."""

    def __init__(self):
        self.channel = Channel("monitor")
        self.pending = b""
        self.running = False  # commands are answered only once the machine runs
        self.stopped = False  # QEMU holds a machine that its accelerator cannot run
        self.shutdown_reason = None

    def feed(self, data):
        *lines, self.pending = (self.pending + data).split(b"\n")
        for line in lines:
            self.take(json.loads(line))

    def take(self, message):
        if "QMP" in message:
            self.channel.send(b'{"execute": "qmp_capabilities"}\n')
        elif "return" in message:
            self.running = True
        elif message.get("event") == "STOP":
            self.stopped = True
        elif message.get("event") == "SHUTDOWN":
            self.shutdown_reason = message["data"]["reason"]


class Qemu:
    """A machine with firmware and hypervisor."""

    firmware_seconds = 8
    megahertz = 2000  # of the host's time-stamp counter, about

    def __init__(self, name, accel_options, cpu, smp):
        self.name = name
        self.smp = smp
        self.accel_options = accel_options
        self.cpu = cpu
        self.monitor = Monitor()

    def start(self, scratch, memory, esp, disk, console, log):
        """Starts the machine in the folder of `scratch`; `memory` in MiB, `disk` None for no guest disk."""
        argv = [
            "qemu-system-x86_64",
            *("-machine", "pc", *self.accel_options, "-cpu", self.cpu),
            *("-m", str(memory), "-smp", str(self.smp), "-bios", FIRMWARE),
            *drive(esp, 0),
            *(drive(disk, 1) if disk else ()),
            *common_options(console, log, self.monitor),
        ]
        return spawn(argv, scratch)

    def power_off_status(self, exit_status):
        """Under the hypervisor, its log tells of a power-off."""
        del exit_status

    def diagnosis(self, scratch):
        return last_words(scratch, self.monitor)


class BareQemu:
    """The guest alone, booted by QEMU as a Multiboot kernel."""

    name = "bare-tcg"
    firmware_seconds = 1

    def __init__(self, cpu, kernel, cmdline, modules, smp):
        self.cpu = cpu or "qemu32"
        self.kernel = kernel
        self.cmdline = cmdline
        self.modules = modules
        self.smp = smp
        self.monitor = Monitor()

    def start(self, scratch, memory, esp, disk, console, log):
        """As Qemu.start; there is no boot disk and nothing on COM2."""
        del esp
        argv = [
            "qemu-system-i386",
            *("-machine", "pc", "-accel", "tcg", "-cpu", self.cpu, "-m", str(memory)),
            # Sockets, because SeaBIOS's MP table names one processor of each.
            *("-smp", f"{self.smp},sockets={self.smp},cores=1,threads=1"),
            *("-kernel", self.kernel),
            *(("-append", self.cmdline) if self.cmdline else ()),
            *(("-initrd", ",".join(self.modules)) if self.modules else ()),
            *(drive(disk, 1) if disk else ()),
            *common_options(console, log, self.monitor),
        ]
        return spawn(argv, scratch)

    def power_off_status(self, exit_status):
        """
        The status the guest powered off with, None if it did not. The debug-exit device turns status N into
        exit status 2N + 1, which QEMU's own errors must not be taken for; ACPI's port 0x604 carries no status.
        """
        if self.monitor.shutdown_reason:
            return 0 if self.monitor.shutdown_reason == "guest-shutdown" else None
        if self.monitor.running and exit_status > 0 and exit_status % 2 == 1:
            return exit_status >> 1
        return None

    def diagnosis(self, scratch):
        return last_words(scratch, self.monitor)


def kvm(cpu, smp):
    return Qemu("kvm", ("-accel", "kvm"), f"{cpu or 'host'},+vmx", smp)


def tcg(cpu, smp):
    return Qemu("tcg", ("-accel", "tcg"), cpu or "max", smp)


def drive(image, index):
    return ("-drive", f"file={image},format=raw,if=ide,index={index},cache=unsafe")


def common_options(console, log, monitor):
    return (
        *("-display", "none", "-nodefaults", "-vga", "std", "-no-reboot"),
        *("-device", f"isa-debug-exit,iobase={DEBUG_EXIT_PORT:#x},iosize=0x1"),
        *stream("console", console),
        *("-serial", "chardev:console"),
        *stream("log", log),
        *("-serial", "chardev:log"),
        *stream("monitor", monitor.channel),
        *("-mon", "chardev=monitor,mode=control"),
    )


def stream(name, channel):
    return ("-chardev", f"socket,id={name},host=127.0.0.1,port={channel.port}")


def spawn(argv, scratch):
    with open(scratch.path("qemu.log"), "wb") as out:
        return Child(argv, scratch.folder, subprocess.DEVNULL, out, subprocess.STDOUT)


def last_words(scratch, monitor):
    """Why the machine ended, as far as QEMU tells; "" if it does not."""
    if monitor.shutdown_reason:
        return f"QEMU: {monitor.shutdown_reason}"
    path = scratch.path("qemu.log")
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    # The first error says what happened; a dump of registers may follow it.
    errors = [line for line in lines if "warning:" not in line]
    return (errors or lines or [""])[0]
