"""The error messages that people can meet, as the sources hold them; what is filled in stands as `...`."""

import ast
import glob
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
FILLED = "..."

# Which calls of each part tell an error: the call's text up to the message.
C_CALLS = {
    "uefi/*.c": (r"\brefuse\(error,\s*",),
    "hv/**/*.c": (r"\bpanic\(", r"\bvcpu_stop\((?:s->)?vcpu,\s*", r"\bstop_at\(vcpu,\s*"),
    "guest-xv6/kernel/*.c": (r"\bfatal\(",),
    "translator/src/*.c": (r"\bdiag_fail\(\s*[^\";,]+,\s*", r"\bsnprintf\(what, sizeof\(what\),\s*", r"\bfail_at\([^\";]*?"),
    "translator/verify/*.c": (r"\breport_add\([^\";]*?", r"\brun_fail\(run,\s*", r"\bfile_error\([^,]*,\s*", r"\busage_error\("),
    **{f"translator/verify/{name}.c": (r"\breturn ", r"\berror = ", r"\? ", r"\s: ") for name in ("elf32", "map", "check", "judge")},
}
C_PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"|PRI([diuxX])\d+')
C_LITERAL = r'((?:(?:"(?:[^"\\]|\\.)*"|PRI[diuxX]\d+)\s*)+)'
CONVERSION = re.compile(r"%(?:0?\d*|\.\*|\.\d+)(?:hh|h|ll|l|z|j)?[a-zA-Z]")
PYTHON_CALLS = {
    "scripts/kmvlib/*.py": ("usage", "KmvError", "End", "lock_file"),
    "scripts/trim-firmware": ("exit", "print"),
}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def c_messages(path, calls):
    text = read(path)
    for call in calls:
        for found in re.finditer(call + C_LITERAL, text):
            literal = "".join(text or conversion for text, conversion in C_PIECE.findall(found.group(1)))
            message = CONVERSION.sub(FILLED, literal).replace("%%", "%").replace('\\"', '"').replace("\\n", "")
            yield f"reason={message}" if "stop" in call else message


def python_texts(node):
    """The texts that a string's expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return ["".join(part.value if isinstance(part, ast.Constant) else FILLED for part in node.values)]
    if isinstance(node, ast.IfExp):
        return [*python_texts(node.body), *python_texts(node.orelse)]
    return []


def is_status(node):
    """errors.NAME, the first of a pair of status and message."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "errors"


def python_messages(path, calls):
    for node in ast.walk(ast.parse(read(path))):
        arguments = []
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            arguments = node.args if name in calls else []
        elif isinstance(node, ast.Tuple) and node.elts and is_status(node.elts[0]):
            arguments = node.elts[1:]
        for argument in arguments:
            yield from filter(None, python_texts(argument))


def has_words(message):
    """Without any, a message is put together elsewhere, or the system's own about a file."""
    return re.search("[a-z]{3}", message) is not None


def all_messages():
    """Pairs of source (from the top folder) and message."""
    found = set()
    for pattern, calls in C_CALLS.items():
        for path in glob.glob(os.path.join(TOP, pattern), recursive=True):
            found |= {(os.path.relpath(path, TOP), text) for text in c_messages(path, calls)}
    for pattern, calls in PYTHON_CALLS.items():
        for path in glob.glob(os.path.join(TOP, pattern)):
            found |= {(os.path.relpath(path, TOP), text) for text in python_messages(path, calls)}
    return sorted(pair for pair in found if has_words(pair[1]))
