"""One run of a machine, from its boot disk to its exit status."""

import os
import select
import shutil
import sys
import tempfile
import time
from dataclasses import replace

from kmvlib import biosdisk, conf, errors, esp, feed, platforms, qemu, scratch as scratch_folder
from kmvlib.artifacts import TOP, find_artifacts, make_artifacts
from kmvlib.channel import Channel
from kmvlib.console import NewlineFilter, PromptCounter, after_firmware
from kmvlib.hvlog import LogReader
from kmvlib.options import DEFAULT_EXEC_TIMEOUT
from kmvlib.outcome import Outcome
from kmvlib.platforms import make_machine
from kmvlib.progress import Progress
from kmvlib.symbols import Symbols, TraceWatcher

TICK_SECONDS = 0.1


def run(options):
    """Runs one machine; returns kmv's exit status."""
    artifacts = find_artifacts(options)
    machine = make_machine(options, artifacts)
    make_artifacts(artifacts, options)
    scratch = scratch_folder.Scratch(options.keep)
    disk_lock = None
    try:
        disk = None
        if options.disk:
            disk, disk_lock = scratch_folder.shared_disk(scratch, options.disk)
        elif artifacts.disk:
            disk = scratch_folder.private_disk(scratch, artifacts.disk)
        image = make_boot_image(scratch.path("boot.img"), artifacts, options, machine)
        with open_log(options) as log_file:
            return Session(options, machine, scratch, log_file, Symbols(artifacts)).play(image, disk)
    finally:
        if disk_lock is not None:
            os.close(disk_lock)
        scratch.remove()


def make_boot_image(image, artifacts, options, machine):
    """Writes what the machine boots from to `image` and returns its name; None for one that needs none."""
    if options.boot:
        shutil.copyfile(options.boot, image)
    elif artifacts.loader:
        make_boot_disk(image, artifacts, options, machine.megahertz)
    elif options.platform == "bare-bochs":
        biosdisk.make_bios_disk(image, artifacts.kernel, options.modules, options.cmdline)
    else:
        return None
    return image


def write_image(options, image):
    """Writes the image of a USB stick; returns kmv's exit status."""
    artifacts = find_artifacts(options)
    make_artifacts(replace(artifacts, disk=None), options)
    with tempfile.TemporaryDirectory(prefix="kmv-") as folder:
        made = os.path.join(folder, "boot.img")
        make_boot_disk(made, artifacts, options, qemu.Qemu.megahertz, partitioned=True)
        try:
            shutil.copyfile(made, image)
        except OSError as error:
            raise errors.usage(f"{image}: {error.strerror}") from None
    print(image)
    return errors.OK


def make_boot_disk(image, artifacts, options, megahertz, partitioned=False):
    """Loader, hypervisor, guest and configuration; `megahertz` is about the rate of the machine's time-stamp counter."""
    names = [os.path.basename(module) for module in options.modules]
    files = {
        "\\EFI\\BOOT\\BOOTX64.EFI": artifacts.loader,
        conf.HYPERVISOR: artifacts.hypervisor,
        conf.KERNEL: artifacts.kernel,
        **{conf.module_path(name): module for name, module in zip(names, options.modules)},
    }
    stats = round(options.stats * megahertz)
    text = conf.write_conf(
        options.mem, options.mirror, options.offset, options.spare, options.cmdline, names, options.on_stop, stats,
        options.scrub,
    )
    esp.make_esp(image, files, text, partitioned)


def open_log(options):
    """
    The hypervisor's log, always a new file: of two runs that write to one name, the later one gets it and the
    earlier one's lines never mix with it.
    """
    path = options.log or os.path.join(TOP, options.build, "run", "hv.log")
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        if os.path.isfile(path):
            os.remove(path)
        return open(path, "w", encoding="ascii", errors="replace")
    except OSError as error:
        raise errors.usage(f"--log {path}: {error.strerror}") from None


class Session:
    """A machine while it runs: moves bytes between it, the user and the log, and notices its end."""

    def __init__(self, options, machine, scratch, log_file, symbols):
        self.machine = machine
        self.scratch = scratch
        self.symbols = symbols
        self.traces = TraceWatcher()
        self.memory = options.machine_mib()
        self.follower = options.on_event
        self.console = Channel("console")
        self.log = Channel("log")
        self.outcome = Outcome()
        self.reader = LogReader(log_file, self.on_event, self.on_loader_error)
        self.progress = Progress()
        self.prompts = PromptCounter()
        self.newlines = None if sys.stdout.isatty() else NewlineFilter()
        self.mid_line = False
        self.bare = machine.name in platforms.BARE
        self.up = False
        self.firmware = b""
        self.input = self.make_input(options)
        self.timeout = options.timeout
        if self.timeout is None and not isinstance(self.input, feed.Terminal):
            self.timeout = DEFAULT_EXEC_TIMEOUT
        self.heard_at = time.monotonic()
        self.child = None

    def make_input(self, options):
        if options.make_feed is not None:
            return options.make_feed(self.console.send)
        if options.commands is not None:
            return feed.Script(feed.split_commands(options.commands), self.console.send)
        if options.interactive:
            return feed.Terminal(sys.stdin.fileno(), self.console.send)
        return feed.Pipe(sys.stdin.fileno(), self.console.send)

    def play(self, boot_image, disk):
        """Runs the machine to its end; returns kmv's exit status."""
        self.progress.phase(f"waiting for firmware ({self.machine.name}, about {self.machine.firmware_seconds} s)")
        try:
            self.child = self.machine.start(
                self.scratch, self.memory, boot_image and "boot.img", disk and "disk.img", self.console, self.log
            )
            self.loop()
        except feed.Quit:
            return errors.OK
        except BrokenPipeError:
            # Nobody reads the console any more (`kmv run ... | head`): no reason to go on, nothing to say.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return errors.GUEST_FAILED
        finally:
            self.input.close()
            if self.child:
                self.child.kill()
            for channel in self.channels():
                channel.close()
            self.progress.clear()
            self.end_line()
        return self.tell_end()

    def channels(self):
        monitor = [self.machine.monitor.channel] if self.machine.monitor else []
        return [self.log, self.console, *monitor]

    def loop(self):
        """Until the machine ends, is told to have ended, or the time is over."""
        deadline = time.monotonic() + self.timeout if self.timeout else None
        while True:
            self.wait()
            # Asked before the last bytes are taken, so that a machine's last words are never missed.
            status = self.child.status()
            self.exchange()
            if status is not None or self.halted():
                self.drain()
                self.machine_ended(status)
                return
            now = time.monotonic()
            if self.outcome.quiet_seconds is not None and now - self.heard_at > self.outcome.quiet_seconds:
                return
            if deadline and now > deadline:
                self.outcome.timed_out(self.timeout)
                return
            self.progress.tick()

    def halted(self):
        """Whether the emulator is alive and its machine is not."""
        return self.machine.monitor is not None and self.machine.monitor.stopped

    def wait(self):
        watched = [channel.watched() for channel in self.channels()]
        watched.append(self.input.descriptor)
        select.select([item for item in watched if item is not None], [], [], TICK_SECONDS)

    def exchange(self):
        """Moves whatever is there, without waiting; returns whether there was anything from the machine."""
        shown = self.console.receive()
        said = self.log.receive()
        if said:
            self.heard_at = time.monotonic()
            with open(self.scratch.path("com2.raw"), "ab") as raw:
                raw.write(said)
            self.reader.feed(said)
        monitored = self.monitor()
        self.show(shown)
        self.take_input()
        return bool(shown or said or monitored)

    def monitor(self):
        if not self.machine.monitor:
            return b""
        data = self.machine.monitor.channel.receive()
        self.machine.monitor.feed(data)
        if self.bare and self.machine.monitor.running and not self.up:
            self.machine_up()
        return data

    def show(self, data):
        """Passes the guest's output on, and holds the firmware's back."""
        if not self.up and self.bare and data:
            # A BIOS says nothing there.
            self.machine_up()
        if not self.up:
            self.firmware += data
            return
        if self.firmware:
            # The guest's first bytes can overtake the end of the log line that tells of the hypervisor.
            data = after_firmware(self.firmware + data)
            self.firmware = b""
        if not data:
            return
        self.progress.clear()
        self.input.typist.heard(data)
        before = self.prompts.count
        self.prompts.feed(data)
        self.mid_line = not data.endswith(b"\n")
        write_out(self.input.shown(self.newlines.feed(data) if self.newlines else data))
        for trace in self.traces.feed(data):
            self.say_all(self.symbols.guest(trace))
        for _ in range(self.prompts.count - before):
            self.input.prompt()

    def say_all(self, lines):
        for line in lines:
            self.progress.say(line)

    def take_input(self):
        descriptor = self.input.descriptor
        if descriptor is not None and select.select([descriptor], [], [], 0)[0]:
            self.input.readable()
        self.input.typist.pump()

    def drain(self):
        """Takes what the machine still had in flight when it ended."""
        while self.exchange():
            pass
        self.reader.close()

    def machine_up(self):
        self.up = True
        self.progress.phase(f"{'guest' if self.bare else 'hypervisor'} up")
        if isinstance(self.input, feed.Terminal):
            self.progress.say("the terminal is the guest's console: Ctrl-A x leaves it")
        self.input.machine_up()

    def on_event(self, line, pairs):
        self.outcome.event(line, pairs)
        self.symbols.event(pairs, line)
        if self.follower:
            self.follower(pairs, lambda address, word: self.machine.poke(self.child, address, word))
        if not self.up and self.outcome.end is None:
            self.machine_up()

    def on_loader_error(self, text):
        self.outcome.loader_error(text)

    def machine_ended(self, exit_status):
        status = None if exit_status is None else self.machine.power_off_status(exit_status)
        if status is not None:
            self.outcome.powered_off(status)
        stage = "firmware" if not self.up else "guest" if self.bare else "hypervisor"
        self.outcome.vanished(stage, self.machine.diagnosis(self.scratch))

    def end_line(self):
        """The shell that gets the terminal back starts on a fresh line."""
        if self.mid_line and sys.stdout.isatty():
            write_all(sys.stdout.fileno(), b"\n")

    def tell_end(self):
        self.reader.close()
        end = self.outcome.end
        if end.message:
            self.progress.say(end.message)
        self.say_all(self.symbols.end_lines)
        return end.status


def write_out(data):
    """Writes bytes to standard output, past Python's buffer."""
    write_all(sys.stdout.fileno(), data)


def write_all(descriptor, data):
    """Writes all of `data`, also where another program made the descriptor a non-blocking one."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
