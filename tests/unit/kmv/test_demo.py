"""The demo's story: told in front of the prompt whose command it is about, and summed up."""

import pytest

from kmvlib import demo
from kmvlib.console import PromptCounter
from kmvlib.history import History
from kmvlib.hvlog import parse_log

# The guest waits after each prompt, so that no piece goes on behind one.
CONSOLE = (b"guest up, 1$\n$ ", b"a\nout of a\n$ ", b"b\n$ ", b"poweroff\n")
STORY = (("First. And " + 15 * "more " + "words. The end.", "a"), ("", "b"))
SEEN = "guest up, 1$\n\n[1/1] First. And " + 14 * "more " + "more\n      words. The end.\n$ a\nout of a\n$ b\n$ poweroff\n"


@pytest.mark.parametrize("size", range(1, 16))
def test_text_stands_before_the_prompt(size):
    seen, typed, prompts = bytearray(), bytearray(), PromptCounter()

    def send(data):
        typed.extend(data)
        return len(data)

    narrator = demo.Narrator(STORY, send, seen.extend, False)
    for data in (part[start : start + size] for part in CONSOLE for start in range(0, len(part), size)):
        narrator.typist.heard(data)
        before = prompts.count
        prompts.feed(data)
        seen.extend(narrator.shown(data))
        for _ in range(prompts.count - before):
            narrator.prompt()
    assert seen.decode() == SEEN
    assert typed == b"a\nb\npoweroff\n"


def history_of(*lines):
    history = History()
    for event in parse_log("".join(f"seq={seq} tsc={seq} event={line}\n" for seq, line in enumerate(lines))):
        history.take(event)
    return history


POISON = "poison gpage=0x1000 side=native"
RECOVER = "recover gpage=0x1000 side=native cause=access"
DEGRADED = "degraded gpage=0x1000 side=native cause=access"
LOST = "lost gpage=0x1000 side=native cause=access"
VERIFY = "verify pages=100 differing=0"


def test_summary():
    lines = list(demo.summary(history_of("boot spare_size=0x10000", POISON, RECOVER, VERIFY)))
    assert lines == [
        "1 frames went bad, 0 changed of itself: 1 recovered, 0 degraded, 0 of them healed, 0 pages lost.",
        "      1 recover, native side, cause access",
        "Compared at the end: 100 pages, 0 differ from their copy.",
        "Spare frames left: 15 of 16.",
    ]


@pytest.mark.parametrize(
    "lines, good",
    [
        ((POISON, RECOVER, VERIFY), True),
        ((POISON, RECOVER), False),
        ((POISON, VERIFY), False),
        ((VERIFY,), False),
        ((POISON, RECOVER, "verify pages=100 differing=1"), False),
        ((POISON, POISON, LOST, VERIFY), False),
        ((POISON, DEGRADED, VERIFY), False),
        ((POISON, DEGRADED, "give gpage=0x9000", "heal gpage=0x1000", VERIFY), True),
        ((POISON, POISON, LOST, "told gpage=0x1000", VERIFY), False),
        ((POISON, POISON, LOST, "told gpage=0x1000", "renew gpage=0x1000", VERIFY), True),
    ],
)
def test_verdict(lines, good):
    assert demo.is_good(history_of(*lines)) == good
