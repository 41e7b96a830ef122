"""The worked examples of docs/contributing.md show code as it stands in the tree."""

import os
import re

import pytest

from messages import TOP, read

DOCUMENT = read(os.path.join(TOP, "docs", "contributing.md"))
SECTION = re.compile(r"^## Example: (.*?)$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
EXAMPLES = dict(SECTION.findall(DOCUMENT))
BLOCK = re.compile(r"^```c\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What stands in the tree already, and where.
STANDING = {
    "an exit": ("hv/vmx/exits.c", "hv/exit/xsetbv.c"),
    "a class of writers": ("translator/src/writers_stack.c",),
}


def lines_of(name):
    return [line.strip() for block in BLOCK.findall(EXAMPLES[name]) for line in block.splitlines() if line.strip() not in ("", "...")]


@pytest.mark.parametrize("name", STANDING)
def test_shown_code_stands_in_the_tree(name):
    sources = " ".join(" ".join(read(os.path.join(TOP, path)).split()) for path in STANDING[name])
    assert len(lines_of(name)) >= 5
    for line in lines_of(name):
        assert " ".join(line.split()) in sources, line


def test_the_new_hypercall_has_the_next_number():
    header = read(os.path.join(TOP, "hv", "include", "kmv", "hypercall.h"))
    numbers = [int(number) for number in re.findall(r"KMV_HC_\w+ = (\d+),", header)]
    (shown,) = re.findall(r"KMV_HC_SPARE = (\d+),", EXAMPLES["a hypercall"])
    assert int(shown) == max(numbers) + 1


def test_files_that_are_named_are_there():
    named = re.findall(r"`((?:hv|uefi|translator|guest-xv6|tests|scripts|docs)/[\w./-]+)`", DOCUMENT)
    assert len(named) > 10
    for path in named:
        assert os.path.exists(os.path.join(TOP, path)), path
