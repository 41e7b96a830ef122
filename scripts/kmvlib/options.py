"""What a run is asked to do: the command line, checked."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from kmvlib import contract, platforms
from kmvlib.errors import usage

# Firmware, loader, hypervisor and its tables, beside guest, mirror and spare frames.
OVERHEAD_MIB = 192
DEFAULT_EXEC_TIMEOUT = 600.0
STATS_MAX = 3600
DEMO_MEM_MIB = 64  # the scrubber has to come round a few times
DEMO_SPARE_MIB = 2  # they run out before its end
DEMO_STATS = 0.2  # its charts have to show something of a run of a few seconds
SCRUB_PERMILLE_MAX = 500


@dataclass
class RunOptions:
    """One run. Sizes in MiB, time in seconds, the scrubber's share of it in permille; None: not asked for."""

    platform: str = "auto"
    cpu: str | None = None
    smp: int = 1
    mem: int = 128
    spare: int = 16
    build: str = "build"
    hypervisor: str | None = None  # in place of the build's
    guest: str | None = None
    disk: str | None = None
    boot: str | None = None
    modules: list = field(default_factory=list)
    cmdline: str = ""
    translate: bool = True
    mirror: bool = True
    scrub: int = 0
    on_stop: str = "off"
    stats: float = 0.0
    offset: int = contract.OFFSET_DEFAULT
    commands: str | None = None
    on_event: Callable | None = None  # gets each event of the log and a function that changes memory (Bochs.poke)
    make_feed: Callable | None = None  # makes what types (kmvlib.feed), in place of commands
    interactive: bool = False
    timeout: float | None = None
    log: str | None = None
    keep: str | None = None

    def machine_mib(self):
        """Memory of the whole machine."""
        if self.platform in platforms.BARE:
            return self.mem
        blocks = 2 * self.mem + self.spare if self.mirror else self.mem
        return blocks + OVERHEAD_MIB


def checked_options(args):
    """RunOptions from the parsed command line; KmvError with status 2 for what cannot be."""
    bare = args.platform in platforms.BARE
    options = RunOptions(
        platform=args.platform,
        cpu=args.cpu,
        smp=args.smp,
        mem=args.mem,
        spare=contract.default_spare(args.mem) if args.spare is None else args.spare,
        build=args.build,
        hypervisor=existing(args.hypervisor, "--hypervisor"),
        guest=existing(args.guest, "--guest"),
        disk=existing(args.disk, "--disk"),
        boot=existing(args.boot, "--boot"),
        modules=[existing(module, "--module") for module in args.module],
        cmdline=args.cmdline,
        translate=args.translate == "on" if args.translate else not bare,
        mirror=args.mirror == "on",
        scrub=args.scrub,
        on_stop=args.on_stop,
        stats=default_stats(args) if args.stats is None else args.stats,
        offset=contract.parse_offset(args.offset),
        commands=args.exec,
        interactive=args.exec is None and sys.stdin.isatty(),
        timeout=args.timeout,
        log=args.log,
        keep=args.keep,
    )
    check_sizes(options)
    check_names(options)
    check_translation(options, bare)
    return options


def demo_options(args):
    """RunOptions for `kmv demo`."""
    return RunOptions(
        platform=args.platform,
        build=args.build,
        offset=contract.parse_offset(args.offset),
        log=args.log,
        stats=DEMO_STATS,
        mem=DEMO_MEM_MIB,
        spare=DEMO_SPARE_MIB,
        # At a terminal seconds are seconds, or a guest that waits for a reader would seem to live for hours.
        interactive=sys.stdout.isatty(),
    )


def default_stats(args):
    """A person may watch; a script's run is to be the same whoever started it."""
    return 1.0 if args.exec is None and sys.stdin.isatty() else 0.0


def existing(path, option):
    """The absolute path of a file that has to be there; None stays None."""
    if path is None:
        return None
    if not os.path.isfile(path):
        raise usage(f"{option} {path}: no such file")
    return os.path.abspath(path)


def check_sizes(options):
    if not 1 <= options.mem <= contract.GUEST_RAM_MAX_MIB:
        raise usage(f"--mem {options.mem}: must be 1 to {contract.GUEST_RAM_MAX_MIB} MiB")
    if options.spare < 0:
        raise usage(f"--spare {options.spare}: must be 0 or more MiB")
    if not 0 <= options.scrub <= SCRUB_PERMILLE_MAX:
        raise usage(f"--scrub {options.scrub}: must be 0 to {SCRUB_PERMILLE_MAX} permille")
    if options.scrub and not options.mirror:
        raise usage(f"--scrub {options.scrub}: there is nothing to compare with --mirror off")
    if options.timeout is not None and options.timeout <= 0:
        raise usage(f"--timeout {options.timeout:g}: must be more than 0 seconds")
    if not 0 <= options.stats <= STATS_MAX:
        raise usage(f"--stats {options.stats:g}: must be 0 to {STATS_MAX} seconds")
    if not 1 <= options.smp <= 8:
        raise usage(f"--smp {options.smp}: must be 1 to 8 processors")


def check_names(options):
    if options.boot and options.platform in platforms.BARE:
        raise usage("--boot: a bare machine boots its kernel alone: leave --boot or the bare platform away")
    if options.hypervisor and (options.boot or options.platform in platforms.BARE):
        raise usage("--hypervisor: a bare machine has none, and --boot brings its own: leave --hypervisor away")
    if not options.cmdline.isascii() or not options.cmdline.isprintable():
        raise usage("--cmdline: must be one line of printable ASCII")
    names = [os.path.basename(module).lower() for module in options.modules]
    for name in names:
        if names.count(name) > 1:
            raise usage(f"--module {name}: two modules of this name: rename one")
        if not name.isascii() or any(char in '\\:*?"<>|,' for char in name):
            raise usage(f"--module {name}: a FAT disk cannot hold this name: rename the file")


def check_translation(options, bare):
    if bare and options.translate:
        raise usage("--translate on: a bare machine has no mirror memory: leave it off")
    if not bare and options.mirror and not options.translate and not options.guest:
        raise usage("--translate off: untranslated code keeps no mirror: add --mirror off")
    if not bare and not options.mirror and options.translate and not options.guest:
        raise usage("--mirror off: translated code writes to a mirror: add --translate off")
