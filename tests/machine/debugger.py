#!/usr/bin/python3
"""Runs a mirrored guest on Bochs, with commands of Bochs's own debugger: nothing in the machine knows of it.

What the debugger prints stands in DIR/bochs.out, the hypervisor's log in DIR/hv.log. The same commands at the same guest give the same run,
to the instruction: addresses that one run's debugger tells are those of the next one.
"""

import argparse
import os
import sys

from machine import BUILD  # (sets the path for kmvlib)

from kmvlib import run
from kmvlib.bochs import Bochs
from kmvlib.options import RunOptions


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--disk", required=True, help="guest disk; its /autorun says what is run")
    parser.add_argument("--keep", required=True, help="folder for the run's files")
    parser.add_argument("--mem", type=int, default=128)
    parser.add_argument("--scrub", type=int, default=0)
    parser.add_argument("commands", nargs="+", help="of the debugger, in order")
    return parser.parse_args()


def main():
    args = parse_arguments()
    Bochs.debugger = "".join(f"{command}\n" for command in args.commands)
    return run.run(
        RunOptions(
            platform="bochs", mem=args.mem, scrub=args.scrub, disk=os.path.abspath(args.disk), build=BUILD, keep=args.keep,
            log=os.path.join(args.keep, "hv.log"), timeout=300,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
