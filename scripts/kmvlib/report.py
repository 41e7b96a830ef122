"""A run's log as one HTML page: summary, charts, events. No scripts, nothing loaded from elsewhere."""

import html
import os

from kmvlib import charts
from kmvlib.errors import OK, usage
from kmvlib.history import ANSWERS, History
from kmvlib.hvlog import parse_log

STYLE = """
:root{color-scheme:light dark;--ink:#1f2328;--soft:#59636e;--line:#d1d9e0;--paper:#fff;--card:#f6f8fa;
--recover:#1f883d;--degraded:#bc7a00;--lost:#cf222e;--exits:#0969da;--writes:#8250df}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;--paper:#0d1117;--card:#151b23;
--recover:#3fb950;--degraded:#d29922;--lost:#f85149;--exits:#4493f8;--writes:#ab7df8}}
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1.2rem;color:var(--ink);background:var(--paper)}
h1{font-size:1.5rem;margin:0 0 1rem}h2{font-size:1.1rem;margin:2.2rem 0 .5rem}p{color:var(--soft);margin:.3rem 0}
.cards{display:flex;flex-wrap:wrap;gap:.7rem}.card{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.5rem .9rem}
.card b{display:block;font-size:1.25rem;font-variant-numeric:tabular-nums}.card span{color:var(--soft);font-size:.85rem}
.card.recover b{color:var(--recover)}.card.degraded b{color:var(--degraded)}.card.lost b{color:var(--lost)}
svg{width:100%;height:auto;display:block}text{font:12px system-ui,sans-serif;fill:var(--soft)}text.strong{fill:var(--ink)}
.grid{stroke:var(--line);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1}
.recover{fill:var(--recover)}.degraded{fill:var(--degraded)}.lost{fill:var(--lost)}.exits{fill:var(--exits)}.writes{fill:var(--writes)}
.curve{fill:none;stroke-width:2}.curve.exits{stroke:var(--exits)}.curve.writes{stroke:var(--writes)}
table{border-collapse:collapse;font-size:.95rem}td,th{padding:.2rem 1rem .2rem 0;border-bottom:1px solid var(--line);text-align:left}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
"""
CAUSES = {
    "access": "the guest used the page",
    "verify": "a comparison of all pages",
    "hypervisor": "the hypervisor used the page",
    "machine_check": "the processor told it",
    "scrub": "the scrubber found it",
}
NOT_TOLD = "<p>Not in this log: the machine ran without <code>--stats</code>.</p>"


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
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{title}</title><style>{STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        cards(history),
        section("Answers to bad pages over time", over_time(history)),
        section("Answers by kind", by_kind(history)),
        section("From bad to recovered", latencies(history)),
        *(section(f"Cost of each {html.escape(kind)}", cost(kind, counts)) for kind, counts in history.costs.items() if counts),
        section("Exits over time", rates(history, "exits", "exits", "exits a million ticks")),
        section("Exits by reason", by_reason(history)),
        section("PTE writes that exit, over time", rates(history, "pt_writes", "writes", "PTE writes a million ticks")),
        section("Events by name", table(("event", "lines"), sorted(history.counts.items()))),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def section(title, body):
    return f"<section><h2>{title}</h2>\n{body}</section>"


def cards(history):
    """The run in figures."""
    counts = history.counts
    left = "?" if history.spare_free is None else f"{history.spare_free:,}"
    total = f" of {history.spare_total:,}" if history.spare_total else ""
    figures = [
        (history.state, "end of the log", "lost" if history.state in ("stopped", "panic", "refused") else ""),
        (history.boot.get("mirror", "?"), "mirror", ""),
        (f"{(history.clock - history.started) / 1e6:,.1f} M", "ticks", ""),
        (f"{counts['poison']:,}", "pages went bad", ""),
        (f"{counts['recover']:,}", "recovered", "recover"),
        (f"{counts['degraded']:,}", "degraded", "degraded" if counts["degraded"] else ""),
        (f"{counts['lost']:,}", "lost", "lost" if counts["lost"] else ""),
        (left, f"spare frames{total} left", ""),
    ]
    figures += [(f"{history.counters[name]:,}", word, "") for name, word in COUNTED.items() if name in history.counters]
    body = "".join(f'<div class="card {kind}"><b>{html.escape(figure)}</b><span>{word}</span></div>' for figure, word, kind in figures)
    return f'<div class="cards">{body}</div>'


COUNTED = {"exits": "exits", "pt_writes": "PTE writes that exit"}


def over_time(history):
    if not history.answers:
        return "<p>No page went bad and was answered.</p>"
    stacks = {event: [tsc for tsc, name in history.answers if name == event] for event in ANSWERS}
    text = "<p>Each column is one fortieth of the run; green recovered, amber degraded, red lost.</p>"
    return text + charts.histogram(stacks, history.started, history.clock, "ticks since the hypervisor's start (millions)", "pages")


def by_kind(history):
    if not history.kinds:
        return "<p>None.</p>"
    rows = [(f"{event}, {side}, {cause}", count, event) for (event, side, cause), count in history.kinds.most_common()]
    told = [f"{cause}: {CAUSES[cause]}" for cause in CAUSES if any(kind[2] == cause for kind in history.kinds)]
    return charts.bars(rows, "pages") + f"<p>Answer, side of the bad copy, cause. {html.escape('; '.join(told))}.</p>"


def latencies(history):
    if not history.latencies:
        return "<p>No page was recovered.</p>"
    ordered = sorted(history.latencies)
    text = (
        f"<p>Median {ordered[len(ordered) // 2]:,} ticks, largest {ordered[-1]:,}: a page is recovered when it is next used or compared. "
        "Columns are powers of two.</p>"
    )
    return text + charts.powers_of_two(ordered, "ticks from bad to recovered", "pages")


def cost(kind, counts):
    """Ticks in the hypervisor, as it counted them."""
    total, so_far = sum(counts.values()), 0
    for limit in sorted(counts):
        so_far += counts[limit]
        if so_far * 100 >= total * 99:
            break
    text = f"<p>{total:,} in all; 99 of 100 took at most {limit:,} ticks in the hypervisor.</p>"
    return text + charts.distribution(counts, "recover" if kind == "recover" else "exits", "ticks in the hypervisor", "exits")


def rates(history, counter, kind, unit):
    points = history.rates(counter)
    if not points:
        return NOT_TOLD
    curve = [(tsc - history.started, rate) for tsc, rate in points]
    return charts.curve(curve, history.clock - history.started, kind, "ticks since the hypervisor's start (millions)", unit)


def by_reason(history):
    if not history.exits:
        return "<p>Not in this log: it ends before the summary.</p>"
    rows = sorted(history.exits.items(), key=lambda item: -item[1])
    return charts.bars([(reason, count, "exits") for reason, count in rows], "exits")


def table(heads, rows):
    lines = ["<table>", "<tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>"]
    lines += ["<tr>" + "".join(cell(value) for value in row) + "</tr>" for row in rows]
    return "\n".join([*lines, "</table>"])


def cell(value):
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{html.escape(str(value))}</td>"
