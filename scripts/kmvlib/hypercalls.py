"""The hypercall ABI as the header has it, and whether its document says the same."""

import os
import re

from kmvlib.artifacts import TOP
from kmvlib.errors import CHECK_FAILED, OK, usage

HEADER = os.path.join("hv", "include", "kmv", "hypercall.h")
DOCUMENT = os.path.join("docs", "hypercalls.md")

# The comment above a call belongs to it: arguments, result, errors.
HEADER_CALL = re.compile(r"/\*((?:[^*]|\*(?!/))*)\*/\s*(KMV_HC_\w+) = (\d+),")
HEADER_COUNTER = re.compile(r"\bX\((\w+)\) +/\*")
DOCUMENT_CALL = re.compile(r"^\| *(\d+) *\| *`(KMV_HC_\w+)` *\|([^|]*)\|(.*)\|$", re.MULTILINE)
DOCUMENT_COUNTERS = re.compile(r"^\| *(`[a-z]\w*`(?:, `[a-z]\w*`)*) *\|", re.MULTILINE)
ERROR = re.compile(r"(?<![\w.])-(\d+)\b")


class Call:
    """One hypercall: `errors` are the errno values that its description names."""

    def __init__(self, number, name, text):
        self.number = int(number)
        self.name = name
        self.text = " ".join(re.sub(r"^ *\* ", " ", text, flags=re.MULTILINE).split())
        self.errors = {int(error) for error in ERROR.findall(text)}


def header_calls(text):
    return {name: Call(number, name, comment) for comment, name, number in HEADER_CALL.findall(text)}


def document_calls(text):
    return {name: Call(number, name, result) for number, name, _, result in DOCUMENT_CALL.findall(text)}


def header_counters(text):
    return HEADER_COUNTER.findall(text)


def document_counters(text):
    return [name for cell in DOCUMENT_COUNTERS.findall(text) for name in re.findall(r"\w+", cell)]


def differences(header, document):
    """What the texts of header and document say differently, a line each; none: they agree."""
    calls, told = header_calls(header), document_calls(document)
    lines = [f"{name}: in {HEADER}, not in {DOCUMENT}" for name in calls if name not in told]
    lines += [f"{name}: in {DOCUMENT}, not in {HEADER}" for name in told if name not in calls]
    for name in (name for name in calls if name in told):
        lines += call_differences(calls[name], told[name])
    lines += counter_differences(header_counters(header), document_counters(document))
    return lines


def call_differences(call, told):
    if call.number != told.number:
        yield f"{call.name}: number {call.number} in {HEADER}, {told.number} in {DOCUMENT}"
    for error in sorted(call.errors - told.errors):
        yield f"{call.name}: error -{error} in {HEADER}, not in {DOCUMENT}"
    for error in sorted(told.errors - call.errors):
        yield f"{call.name}: error -{error} in {DOCUMENT}, not in {HEADER}"


def counter_differences(names, told):
    lines = [f"counter {name}: in {HEADER}, not in {DOCUMENT}" for name in names if name not in told]
    lines += [f"counter {name}: in {DOCUMENT}, not in {HEADER}" for name in told if name not in names]
    if not lines and names != told:
        lines.append(f"counters: order {', '.join(names)} in {HEADER}, {', '.join(told)} in {DOCUMENT}")
    return lines


def read(path):
    try:
        with open(os.path.join(TOP, path), encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise usage(f"{path}: {error.strerror}") from None


def list_calls():
    """Prints number, name and description of each call, separated by tabs."""
    for call in header_calls(read(HEADER)).values():
        print(f"{call.number}\t{call.name}\t{call.text}")
    return OK


def check():
    """Prints what header and document say differently; returns kmv's exit status."""
    header = read(HEADER)
    lines = differences(header, read(DOCUMENT))
    if not lines:
        print(f"{len(header_calls(header))} calls, {len(header_counters(header))} counters: ok")
        return OK
    print("\n".join(lines))
    return CHECK_FAILED
