"""The command line of kmv."""

import argparse
import signal
import sys

from kmvlib import contract, demo, hypercalls, options, platforms, report, run, watch
from kmvlib.errors import USAGE, KmvError

EXIT_STATUSES = """\
exit status:
  0 clean power-off   1 the guest powered off with a status other than 0   2 usage
  3 hypervisor panic  4 time-out   5 refused (machine unfit, loader error)
  6 guest stopped by the hypervisor
"""


class Parser(argparse.ArgumentParser):
    """Tells usage errors in one line."""

    def error(self, message):
        raise KmvError(USAGE, f"{message}: see {self.prog} --help")


def make_parser():
    parser = Parser(
        prog="kmv",
        description="Runs and drives kmemvisor machines.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXIT_STATUSES,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    add_run(commands)
    add_demo(commands)
    add_image(commands)
    add_watch(commands)
    add_report(commands)
    add_hypercalls(commands)
    return parser


def add_run(commands):
    parser = commands.add_parser(
        "run",
        help="boot a guest under the hypervisor",
        description="Boots a guest under the hypervisor. Without --exec the terminal is the guest's console; "
        "a pipe's lines are typed at the prompt.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXIT_STATUSES,
    )
    add = parser.add_argument
    add("--platform", choices=platforms.NAMES, default="auto", help="auto: kvm where it gives guests VMX, else bochs")
    add("--cpu", metavar="MODEL", help="the emulator's name of a CPU model")
    add("--smp", metavar="N", type=int, default=1, help="processors (default 1)")
    add("--disk", metavar="IMAGE", help="guest disk, changed in place (default: a copy of the build's)")
    add("--hypervisor", metavar="FILE", help="hypervisor to run (default BUILD/hv/hv.elf; hv-test.elf beside it is the tests')")
    add("--boot", metavar="IMAGE", help="boot this image of kmv image; of what it holds, give --mem, --spare and --mirror again")
    add_guest_options(parser, "default 1 at a terminal, else 0: never")
    add("--exec", metavar="'CMD; CMD'", help="type these commands at the guest's prompt, then power off")
    add("--timeout", metavar="S", type=float, help="seconds for the whole run (default 600, none at a terminal)")
    add("--log", metavar="FILE", help="hypervisor's log (default BUILD/run/hv.log)")
    add("--keep", metavar="DIR", help="use this folder for the run's files, and leave them there")
    parser.set_defaults(function=run_command)


def add_guest_options(parser, stats_default):
    """What a boot disk holds."""
    add = parser.add_argument
    add("--mem", metavar="MiB", type=int, default=128, help="guest memory (default 128)")
    add("--spare", metavar="MiB", type=int, help="spare frames (default: 1/64 of --mem, at least 16)")
    add("--guest", metavar="KERNEL", help="Multiboot kernel to run instead of the project's own; it gets no disk")
    add("--module", metavar="FILE", action="append", default=[], help="Multiboot module; may be repeated")
    add("--cmdline", metavar="STR", default="", help="command line of the guest kernel")
    add("--translate", choices=("on", "off"), help="run the translated guest (default on)")
    add("--mirror", choices=("on", "off"), default="on", help="keep the mirror (default on)")
    add("--scrub", metavar="PERMILLE", type=int, default=0, help="share of the time to look for memory that changed (default 0)")
    add("--on-stop", choices=("off", "restart"), default="off", help="after a failure of guest or hypervisor")
    add("--stats", metavar="S", type=float, help=f"log the counters each S seconds ({stats_default})")
    add("--offset", metavar="HEX", default=f"{contract.OFFSET_DEFAULT:x}", help="OFFSET (default 38000000)")
    add("--build", metavar="DIR", default="build", help="folder of the build, from the top folder (default build)")


def add_image(commands):
    parser = commands.add_parser(
        "image",
        help="make the image of a bootable USB stick",
        description="Writes a disk image with loader, hypervisor, guest and configuration, from which UEFI firmware starts; "
        "copied onto a USB stick it boots a real machine (docs/hardware.md). Prints the image's name.",
    )
    parser.add_argument("image", metavar="IMAGE", help="file to write")
    add_guest_options(parser, "default 0: never")
    parser.set_defaults(function=image_command, hypervisor=None, exec="", platform="kvm", cpu=None, smp=1, disk=None, boot=None)
    parser.set_defaults(timeout=None, log=None, keep=None)


def add_demo(commands):
    parser = commands.add_parser(
        "demo",
        help="watch a guest lose memory and go on",
        description="Boots the guest, runs programs while pages go bad, tells what happens and why, compares all of memory "
        "with its mirror, prints what became of the bad pages and makes a page of charts. No typing.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXIT_STATUSES,
    )
    add = parser.add_argument
    add("--platform", choices=("auto", "bochs", "kvm"), default="auto", help="auto: kvm where it gives guests VMX, else bochs")
    add("--offset", metavar="HEX", default=f"{contract.OFFSET_DEFAULT:x}", help="OFFSET (default 38000000)")
    add("--log", metavar="FILE", help="hypervisor's log (default BUILD/demo/hv.log); the page is FILE.html")
    add("--build", metavar="DIR", default="build", help="folder of the build, from the top folder (default build)")
    parser.set_defaults(function=demo_command)


def add_watch(commands):
    parser = commands.add_parser(
        "watch",
        help="follow a running machine through its log",
        description="Shows state, bad and recovered pages, spare frames and the last events of a run until it ends: "
        "a view that is redrawn at a terminal, else a line for each notable event and one with the totals.",
    )
    parser.add_argument("log", metavar="LOG", nargs="?", default="build/run/hv.log", help="default build/run/hv.log")
    parser.add_argument("--once", action="store_true", help="show what the log holds now, and end")
    parser.set_defaults(function=lambda args: watch.watch(args.log, not args.once))


def add_report(commands):
    parser = commands.add_parser(
        "report",
        help="make a page with the charts of a run",
        description="Writes one self-contained HTML page: answers to bad pages over time and by kind, time from "
        "poison to recovery, exits by reason. Prints the page's name.",
    )
    parser.add_argument("log", metavar="LOG", help="a log of kmv run --log")
    parser.add_argument("--output", metavar="FILE", help="default: LOG with .html added")
    parser.set_defaults(function=lambda args: report.write_report(args.log, args.output or f"{args.log}.html"))


def add_hypercalls(commands):
    parser = commands.add_parser(
        "hypercalls",
        help="list the hypercalls",
        description="Lists the hypercalls of the header: number, name and description, separated by tabs.",
    )
    parser.add_argument(
        "--check", action="store_true", help="compare header and document; exit 1 and a line for each difference"
    )
    parser.set_defaults(function=lambda args: hypercalls.check() if args.check else hypercalls.list_calls())


def run_command(args):
    return run.run(options.checked_options(args))


def image_command(args):
    return run.write_image(options.checked_options(args), args.image)


def demo_command(args):
    return demo.demo(options.demo_options(args))


def stop_at_signal(number, frame):
    """Lets every finally clause run, so that nothing stays behind."""
    del frame
    raise SystemExit(128 + number)


def main(argv):
    """Runs one command; returns kmv's exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_at_signal)
    try:
        args = make_parser().parse_args(argv)
        return args.function(args)
    except KmvError as error:
        print(f"kmv: {error}", file=sys.stderr)
        return error.status
