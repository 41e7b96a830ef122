"""The programs of `make bench-host`: they compute what they say, their translations the same, and no byte differs from its mirror."""

import hashlib
import math
import os
import re
import subprocess
import sys
import zlib

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
BUILD = os.path.join(TOP, os.environ.get("KMV_BUILD", "build"))
HOST = os.path.join(BUILD, "bench", "host")
sys.path.insert(0, os.path.join(TOP, "tests", "bench"))

import host  # noqa: E402 (the path has to be set first)

WORD = 2**32
MESSAGE = bytes(i * 7 % 256 for i in range(65536))


def random_numbers(count, state=1):
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % WORD
        yield state


def product_entry():
    pairs = [number >> 16 for number in random_numbers(2 * 160 * 160)]
    left, right = pairs[0::2], pairs[1::2]
    return sum(left[k] * right[160 * k + 7] for k in range(160))


def factorial_sum():
    square, total = math.factorial(1000) ** 2, 0
    for digit in range(2 * -(-math.factorial(1000).bit_length() // 32)):
        total = total * 31 + (square >> 32 * digit) % WORD
    return total


# What one round has to give.
ANSWERS = {
    "sort": lambda: sorted(random_numbers(100000))[100000 // 3],
    "matrix": product_entry,
    "matrix_sse": product_entry,
    "sha256": lambda: int.from_bytes(hashlib.sha256(MESSAGE).digest()[:4], "big"),
    "crc32": lambda: zlib.crc32(MESSAGE),
    "queens": lambda: 724,
    "sieve": lambda: 78498,
    "fft": lambda: sum(number >> 24 for number in random_numbers(4096)),
    "fft_sse": lambda: sum(number >> 24 for number in random_numbers(4096)),
    "bignum": factorial_sum,
    "guest_compute": lambda: 5133 + 1,
    "guest_copy": lambda: 0,
}


@pytest.mark.parametrize("name", host.ROUNDS)
def test_native_and_translated_agree(name):
    native, translated = host.run_pair(HOST, name, 1, translated_first=False)
    assert native[0] == translated[0]
    if name in ANSWERS:
        assert int(native[0], 16) == ANSWERS[name]() % WORD


def test_every_program_is_measured():
    built = {name.removesuffix(".translated") for name in os.listdir(HOST) if name.endswith(".translated")}
    assert built == set(host.ROUNDS)


def test_a_row_has_the_spread_of_its_pairs(monkeypatch):
    times = iter([(100, 110), (200, 300), (100, 120)])

    def pair(folder, name, rounds, translated_first):
        del folder, name, rounds, translated_first
        native, translated = next(times)
        return ("1", 0, native * 10**6, native), ("1", 0, translated * 10**6, translated)

    monkeypatch.setattr(host, "run_pair", pair)
    row = host.measure("", "sort", 1, 3)
    assert host.cells(row) == ["sort", 1, "100.0", "120.0", "1.100", "1.200", "1.500", "1.200"]


def test_results_that_differ_end_it(monkeypatch):
    results = iter([("1", 0, 1, 1), ("2", 0, 1, 1)])
    monkeypatch.setattr(host, "run", lambda *_: next(results))
    with pytest.raises(SystemExit, match="native result 1, translated 2"):
        host.run_pair("", "sort", 1, False)


def test_an_unknown_program_is_refused():
    command = [sys.executable, os.path.join(TOP, "tests", "bench", "host.py"), "nonsense"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert re.search("nonsense: no such program", done.stderr)
