"""What a log adds up to, and the two ways of showing it."""

import io
import os
import pty
import re
import subprocess
import threading
from html.parser import HTMLParser

import pytest

from conftest import TOP
from kmvlib.errors import KmvError
from kmvlib.history import History
from kmvlib.hvlog import parse_log
from kmvlib.charts import buckets, round_steps, time_marks
from kmvlib.report import page, write_report
from kmvlib.watch import Watch, sparkline

KMV = os.path.join(TOP, "scripts", "kmv")
LOG = """\
seq=0 tsc=100 event=boot mirror=on spare_base=0x1000000 spare_size=0x10000
seq=1 tsc=200 event=guest_start entry=0x100000
seq=2 tsc=1000 event=poison gpage=0x1000 side=native frame=0x501000
seq=3 tsc=1100 event=poison gpage=0x2000 side=mirror frame=0x902000
seq=4 tsc=1500 event=recover gpage=0x1000 side=native bad=0x501000 new=0x1000000 cause=access
seq=5 tsc=2100 event=recover gpage=0x2000 side=mirror bad=0x902000 new=0x1001000 cause=verify
seq=6 tsc=2200 event=poison gpage=0x3000 side=native frame=0x503000
seq=7 tsc=2300 event=lost gpage=0x3000 side=native bad=0x503000 new=0x0 cause=access
seq=8 tsc=2400 event=note text="<b>&"
seq=9 tsc=2500 event=exits reason=vmcall count=12 ticks=500
seq=10 tsc=2600 event=counter name=exits value=40
seq=11 tsc=2700 event=counter name=pt_writes value=3
seq=12 tsc=2800 event=summary end=poweroff status=0
"""


def history_of(text):
    history = History()
    for event in parse_log(text):
        history.take(event)
    return history


def test_history():
    history = history_of(LOG)
    assert history.state == "ended"
    assert history.counts["poison"] == 3 and history.counts["recover"] == 2 and history.counts["lost"] == 1
    assert history.latencies == [500, 1000]
    assert history.spare_free == 14
    assert history.kinds["recover", "native", "access"] == 1 and history.kinds["lost", "native", "access"] == 1
    assert history.exits == {"vmcall": 12}
    assert history.counters == {"exits": 40, "pt_writes": 3}


@pytest.mark.parametrize(
    "last, state",
    [
        ("", "running"),
        ("seq=2 tsc=3 event=guest_stop reason=page_lost\nseq=3 tsc=4 event=summary end=guest_stop status=0", "stopped"),
        ('seq=2 tsc=3 event=panic message="x"', "panic"),
        ('seq=2 tsc=3 event=refuse missing="EPT"', "refused"),
    ],
)
def test_state(last, state):
    assert history_of("".join(LOG.splitlines(True)[:2]) + last).state == state


class Tags(HTMLParser):
    """Counts the elements of a page, and sees that each is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.count = [], {}

    def handle_starttag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page():
    text = page(history_of(LOG), "<run>.log")
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert tags.count["svg"] == 4
    # Three answers at three times and of three kinds, two latencies in two powers of two, one reason of exits.
    assert tags.count["rect"] == 9
    assert "&lt;run&gt;.log" in text and "<run>" not in text
    assert not re.search(r"https?://|<script|src=", text)


def test_page_of_a_log_without_losses():
    text = page(history_of("".join(LOG.splitlines(True)[:2])), "log")
    assert text.count("<svg") == 0 and "ends before the summary" in text


def test_buckets():
    counts = buckets([0, 1, 399, 400], 0, 400)
    assert sum(counts) == 4 and counts[0] == 2 and counts[-1] == 2
    assert sum(buckets([7, 7], 7, 7)) == 2


def test_marks_of_axes():
    assert round_steps(0) == [0, 1] and round_steps(2, 1) == [0, 1, 2] and round_steps(7) == [0, 2, 4, 6, 8] and round_steps(50) == [0, 10, 20, 30, 40, 50]
    assert time_marks(25_000_000) == [(0, "0"), (5e6, "5"), (1e7, "10"), (1.5e7, "15"), (2e7, "20"), (2.5e7, "25")]
    assert [text for _, text in time_marks(700)] == ["0", "0.0002", "0.0004", "0.0006"]


def test_report_command(tmp_path):
    log = tmp_path / "hv.log"
    log.write_text(LOG)
    done = subprocess.run([KMV, "report", log], capture_output=True, text=True, check=True)
    assert done.stdout == f"{log}.html\n" and (tmp_path / "hv.log.html").read_text().endswith("</html>\n")


@pytest.mark.parametrize("text", ["", "seq=1 event=boot\n"])
def test_report_of_no_log(tmp_path, text):
    log = tmp_path / "empty.log"
    log.write_text(text)
    with pytest.raises(KmvError, match="no events"):
        write_report(log, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("command", ["watch", "report"])
def test_missing_log(tmp_path, command):
    done = subprocess.run([KMV, command, tmp_path / "none"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "none" in done.stderr


def test_watch_in_lines(tmp_path):
    log = tmp_path / "hv.log"
    log.write_text(LOG)
    done = subprocess.run([KMV, "watch", log], capture_output=True, text=True, check=True, timeout=60)
    *events, totals = done.stdout.splitlines()
    assert [line.split()[1] for line in events] == [
        *("boot", "guest_start", "poison", "poison", "recover", "recover", "poison", "lost", "note", "summary")
    ]
    assert totals == (
        "state=ended tsc=2800 poison=3 recover=2 degraded=0 lost=1 spare_free=14 exits=40 pt_writes=3"
    )
    assert "\x1b" not in done.stdout


STATS = """\
seq=2 tsc=1000000 event=stats exits=100 pt_writes=5 poisoned=0 spare_free=16 x=?
seq=3 tsc=1000500 event=page_unprotected gpage=0x7000 reason=ring3
seq=4 tsc=3000000 event=stats exits=500 pt_writes=5 poisoned=0 spare_free=12
"""


def test_lines_of_counters():
    history = history_of("".join(LOG.splitlines(True)[:2]) + STATS)
    assert history.rates("exits")[1:] == [(3000000, 200.0)] and history.rates("pt_writes")[1:] == [(3000000, 0.0)]
    assert history.rates("exits")[0] == (1000000, 100 * 1e6 / (1000000 - 200))
    assert history.rates("x") == [] and history.rates("nonsense") == []
    assert history.counters["exits"] == 500 and history.spare_free == 12 and history.spare_total == 16


def test_watch_tells_counters_and_unknown_events_in_lines():
    out = io.StringIO()
    Watch(io.StringIO(LOG + STATS), out, lambda: 0).read()
    assert out.getvalue().splitlines()[-3:] == [
        "     2 stats exits=100 pt_writes=5 poisoned=0 spare_free=16 exits_per_mtick=100.0 pt_writes_per_mtick=5.0",
        "     3 page_unprotected gpage=0x7000 reason=ring3",
        "     4 stats exits=500 pt_writes=5 poisoned=0 spare_free=12 exits_per_mtick=200.0 pt_writes_per_mtick=0.0",
    ]


def test_watch_shows_rates_by_its_own_clock():
    lines, times = STATS.splitlines(True), iter([10.0, 12.0])
    file, out = io.StringIO(), io.StringIO()
    view = Watch(file, out, times.__next__)
    for line in (lines[0], lines[2]):
        at = file.tell()
        file.write(line)
        file.seek(at)
        view.read()
        view.measure(view.clock())
    shown = [text for _, text in view.head()]
    assert re.search(r"^exits +500 +200 a second", shown[1]) and re.search(r"^PTE writes +5 +0 a second", shown[2])


def test_sparkline():
    assert sparkline([]) == "" and sparkline([0, 0]) == "▁▁" and sparkline([1, 4, 8]) == "▂▅█"


def test_watch_takes_half_lines():
    file, out = io.StringIO(), io.StringIO()
    view = Watch(file, out, lambda: 0)
    for part in (LOG[:150], LOG[150:]):
        at = file.tell()
        file.write(part)
        file.seek(at)
        view.read()
    assert view.ended() and view.history.counts["poison"] == 3


def test_watch_at_a_terminal_follows_to_the_end(tmp_path):
    log = tmp_path / "hv.log"
    first = LOG.index("seq=4")
    log.write_text(LOG[:first])
    master, slave = pty.openpty()
    child = subprocess.Popen([KMV, "watch", log], stdin=slave, stdout=slave, stderr=slave)
    reader = threading.Timer(60, child.kill)
    reader.start()
    os.close(slave)
    seen = b""
    while b"bad 2 " not in seen:
        seen += os.read(master, 4096)
    with open(log, "a", encoding="ascii") as file:
        file.write(LOG[first:])
    try:
        while True:
            seen += os.read(master, 4096)
    except OSError:
        pass
    reader.cancel()
    os.close(master)
    assert child.wait() == 0
    assert b"kmemvisor: running" in seen and b"kmemvisor: ended" in seen and b"14 of 16 left" in seen
