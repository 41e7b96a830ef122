"""docs/troubleshooting.md has an entry for every error message of the sources, and none for a message that is gone."""

import os
import re

import pytest

from messages import FILLED, TOP, all_messages, read

DOCUMENT = os.path.join(TOP, "docs", "troubleshooting.md")
MESSAGES = all_messages()
CODE = re.compile(r"``(.+?)``|`(.+?)`")
# Rows of this section are events, not messages of a call that the sources show.
OTHERS = "What else a log or a console may say"


def entries():
    """Pairs of section and entry: the code in the first column of each table's rows."""
    section = ""
    for line in read(DOCUMENT).splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("|") and not re.match(r"\| (message|---)|\|---", line):
            for double, single in CODE.findall(line.split(" | ")[0]):
                yield section, (double or single).strip()


ENTRIES = list(entries())


def matcher(entry):
    return re.compile(".*".join(re.escape(part) for part in entry.split(FILLED)), re.DOTALL)


MATCHERS = [(entry, matcher(entry)) for _, entry in ENTRIES]


@pytest.mark.parametrize("source, message", MESSAGES)
def test_every_message_has_an_entry(source, message):
    del source
    assert any(pattern.fullmatch(message) for _, pattern in MATCHERS)


@pytest.mark.parametrize("section, entry", [pair for pair in ENTRIES if pair[0] != OTHERS])
def test_every_entry_is_of_a_message(section, entry):
    del section
    assert any(matcher(entry).fullmatch(message) for _, message in MESSAGES)


def test_entries_say_something():
    """No pattern that everything would match, and each row has a cause and a cure."""
    for _, entry in ENTRIES:
        assert len(re.findall("[a-z]", entry.replace(FILLED, ""))) >= 3, entry
    rows = [line for line in read(DOCUMENT).splitlines() if line.startswith("| `")]
    assert len(rows) > 50
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert len(cells) == 3 and all(len(cell) > 3 for cell in cells), row


def test_messages_are_found():
    """Each part tells errors: a way of telling them that this test does not know would leave one out."""
    for part, least in (("uefi/", 50), ("hv/", 15), ("scripts/", 30), ("translator/src/", 40), ("translator/verify/", 50), ("guest-xv6/", 12)):
        assert sum(source.startswith(part) for source, _ in MESSAGES) >= least
