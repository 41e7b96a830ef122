"""The page of a run as a browser has it: whole, with its charts, and not blank."""

import os
import re
import shutil
import struct
import subprocess
import zlib

import pytest

from kmvlib.history import History
from kmvlib.hvlog import parse_log
from kmvlib.report import page

SECONDS = 120
BROWSER = "chromium"
WIDTH, HEIGHT = 900, 1600


def make_log():
    """A run with every kind of answer, counters and reasons of exits."""
    lines = ["event=boot mirror=on spare_size=0x100000", "event=guest_start entry=0x100000"]
    for number in range(60):
        gpage = f"gpage={number * 4096 + 0x100000:#x} side={('native', 'mirror')[number % 2]}"
        answer = "lost" if number == 50 else "degraded" if number % 20 == 7 else "recover"
        cause = ("access", "verify", "scrub")[number % 3]
        lines += [f"event=poison {gpage}", f"event={answer} {gpage} cause={cause}"]
        lines.append(f"event=stats exits={number * number * 10} pt_writes={number * 7} spare_free={256 - number}")
    lines += ['event=cost kind=recover distribution="4000:30 4500:25 6000:5 "', "event=cost kind=pt_write distribution="]
    lines += ["event=exits reason=cr_access count=120", "event=exits reason=hlt count=2000", "event=of_tomorrow key=1"]
    lines.append("event=summary end=poweroff status=0")
    text = "".join(f"seq={seq} tsc={(seq + 1) * 1000003} {line}\n" for seq, line in enumerate(lines))
    return parse_log(text)


@pytest.fixture(scope="module")
def html_page(tmp_path_factory):
    history = History()
    for event in make_log():
        history.take(event)
    path = tmp_path_factory.mktemp("page") / "run.html"
    path.write_text(page(history, "run.log"), encoding="utf-8")
    return path


def browse(folder, *arguments):
    """Runs the browser with a profile of its own; as root it has no sandbox."""
    assert shutil.which(BROWSER), f"{BROWSER} is missing: run scripts/setup"
    options = ["--headless", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}", "--enable-logging=stderr"]
    options += ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [BROWSER, *options, f"--window-size={WIDTH},{HEIGHT}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)


def test_every_chart_is_in_the_document(html_page, tmp_path):
    done = browse(tmp_path, "--dump-dom", html_page.as_uri())
    dom = done.stdout
    assert not re.search(r"CONSOLE|net::ERR", done.stderr)
    assert dom.rstrip().endswith("</html>")
    source = html_page.read_text(encoding="utf-8")
    for tag in ("svg", "rect", "polyline", "section", "table"):
        assert dom.count(f"<{tag}") == source.count(f"<{tag}") > 0
    assert dom.count("<svg") == 7 and dom.count("<polyline") == 2
    for word in ("of_tomorrow", "recover, native, access", "ticks from bad to recovered", "exits a million ticks", "cr_access", "99 of 100 took at most 6,000"):
        assert word in dom


def scanlines(path):
    """The rows of an 8-bit PNG file without interlacing, as its filters left them."""
    data, at, packed = path.read_bytes(), 8, b""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack_from(">IIBB", body)
        packed += body if kind == b"IDAT" else b""
        at += 12 + length
    assert depth == 8
    rows, stride = zlib.decompress(packed), 1 + width * {2: 3, 6: 4}[colour]
    assert len(rows) == height * stride
    return [rows[start : start + stride] for start in range(0, len(rows), stride)]


def different_rows(folder, address):
    shot = folder / "shot.png"
    browse(folder, f"--screenshot={shot}", address)
    return len(set(scanlines(shot)))


def test_the_picture_is_not_blank(html_page, tmp_path):
    assert different_rows(tmp_path, "about:blank") < 5
    assert different_rows(tmp_path, html_page.as_uri()) > 200
