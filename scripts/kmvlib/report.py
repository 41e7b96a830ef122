"""A run's log as one HTML page with charts: no scripts, nothing loaded from elsewhere."""

import html
import os

from kmvlib.errors import OK, usage
from kmvlib.history import History
from kmvlib.hvlog import parse_log

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 240, 60, 30
BUCKETS = 40
COLOURS = {"recover": "#2a7f62", "degraded": "#d98e04", "lost": "#b3261e"}
STYLE = """
body{font:15px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}svg{width:100%;height:auto}
table{border-collapse:collapse}td,th{padding:.2rem .8rem;border-bottom:1px solid #ddd;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums}text{font:11px sans-serif;fill:#444}
"""


def write_report(log, output):
    """Writes the page of the log file `log` to `output`; returns kmv's exit status."""
    try:
        with open(log, encoding="ascii", errors="replace") as file:
            events = parse_log(file.read())
    except OSError as error:
        raise usage(f"{log}: {error.strerror}") from None
    if not events:
        raise usage(f"{log}: no events: give the log of a run (kmv run --log FILE)")
    history = History()
    for event in events:
        history.take(event)
    try:
        with open(output, "w", encoding="utf-8") as file:
            file.write(page(history, os.path.basename(log)))
    except OSError as error:
        raise usage(f"{output}: {error.strerror}") from None
    print(output)
    return OK


def page(history, name):
    """The whole page."""
    title = f"kmemvisor: {html.escape(name)}"
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head><body>',
        f"<h1>{title}</h1>",
        table(("", ""), summary_rows(history)),
        section("Answers to bad pages over time", over_time(history)),
        section("By kind", table(("answer", "side", "cause", "pages"), kind_rows(history))),
        section("From poison to recovery", latency_chart(history)),
        section("Exits by reason", exits_chart(history)),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def section(title, body):
    return f"<h2>{title}</h2>\n{body}"


def summary_rows(history):
    answered = {event: history.counts[event] for event in COLOURS}
    return [
        ("end", history.state),
        ("mirror", history.boot.get("mirror", "?")),
        ("events", history.events),
        ("ticks", history.clock - history.started),
        ("pages poisoned", history.counts["poison"]),
        ("recovered, degraded, lost", ", ".join(str(count) for count in answered.values())),
        ("spare frames left", "?" if history.spare_free is None else history.spare_free),
    ]


def kind_rows(history):
    return [(*kind, count) for kind, count in sorted(history.kinds.items())]


def table(heads, rows):
    if not rows:
        return "<p>None.</p>"
    lines = ["<table>"]
    if any(heads):
        lines.append("<tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>")
    lines += ["<tr>" + "".join(cell(value) for value in row) + "</tr>" for row in rows]
    return "\n".join([*lines, "</table>"])


def cell(value):
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{html.escape(str(value))}</td>"


def buckets(values, low, high):
    """How many values fall into each of BUCKETS equal parts of [low, high]."""
    counts = [0] * BUCKETS
    for value in values:
        counts[min(BUCKETS - 1, (value - low) * BUCKETS // max(1, high - low))] += 1
    return counts


def over_time(history):
    if not history.answers:
        return "<p>None.</p>"
    stacks = {
        event: buckets([tsc for tsc, name in history.answers if name == event], history.started, history.clock)
        for event in COLOURS
    }
    return columns(stacks, "0", f"{history.clock - history.started:,} ticks")


def latency_chart(history):
    if not history.latencies:
        return "<p>None.</p>"
    ordered = sorted(history.latencies)
    text = (
        f"<p>Median {ordered[len(ordered) // 2]:,}, largest {ordered[-1]:,} ticks: "
        "a page is recovered when it is next used or verified.</p>"
    )
    return text + columns({"recover": buckets(ordered, 0, ordered[-1])}, "0", f"{ordered[-1]:,} ticks")


def columns(stacks, left_label, right_label):
    """Stacked columns: counts by event, each a list of BUCKETS."""
    highest = max(map(sum, zip(*stacks.values())))
    width = (WIDTH - LEFT) / BUCKETS
    bars = []
    for index in range(BUCKETS):
        base = HEIGHT - BOTTOM
        for event, counts in stacks.items():
            height = counts[index] / highest * (HEIGHT - BOTTOM - 15)
            if counts[index]:
                base -= height
                title = f"{event}: {counts[index]}"
                bars.append(bar(LEFT + index * width, base, width - 1, height, COLOURS[event], title))
    labels = [
        label(LEFT, HEIGHT - 12, left_label),
        label(WIDTH, HEIGHT - 12, right_label, "end"),
        label(LEFT - 6, 22, str(highest), "end"),
    ]
    return drawing(HEIGHT, bars + labels)


def exits_chart(history):
    if not history.exits:
        return "<p>Not in this log: it ends before the summary.</p>"
    rows = sorted(history.exits.items(), key=lambda item: -item[1])
    highest, left, step = max(1, rows[0][1]), 150, 22
    parts = []
    for index, (reason, count) in enumerate(rows):
        top = index * step
        parts.append(label(left - 8, top + 15, reason, "end"))
        length = count / highest * (WIDTH - left - 110)
        parts.append(bar(left, top + 3, length, step - 6, "#3b5b92", f"{reason}: {count}"))
        parts.append(label(left + length + 6, top + 15, f"{count:,}"))
    return drawing(len(rows) * step + 6, parts)


def drawing(height, parts):
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">' + "".join(parts) + "</svg>"


def bar(left, top, width, height, colour, title):
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}">'
        f"<title>{html.escape(title)}</title></rect>"
    )


def label(left, baseline, text, anchor="start"):
    return f'<text x="{left:.1f}" y="{baseline}" text-anchor="{anchor}">{html.escape(text)}</text>'
