"""Bar charts of the mirror's cost, drawn with gnuplot as SVG and PNG: our ratios beside the published ones of MemV6."""

import os
import statistics
import subprocess

# MemV6 keeps no second copy: what its translated guest took against the original.
PUBLISHED = {"sbrk": 1.55, "bigwrite": 1.20, "mem": 1.48, "fork": 1.48}
PUBLISHED_MEAN = 1.43

TERMINALS = {"svg": "svg size 900,420 background 'white'", "png": "pngcairo size 900,420"}
SCRIPT = """\
set terminal {terminal}
set output '{output}'
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 border rgb 'white'
set boxwidth 0.95
set yrange [0:*]
set ylabel 'against the original, mirror off'
set grid ytics lc rgb '#dddddd'
set key top left
set arrow from graph 0, first 1 to graph 1, first 1 nohead lc rgb '#888888'
plot '{data}' using 2:xtic(1) title 'kmemvisor, two copies' lc rgb '#2a7f62', \\
     '' using 3 title 'MemV6 as published, one copy' lc rgb '#b9b9b9', \\
     '' using ($0-0.18):2:(sprintf('%.2f', $2)) with labels offset 0,0.6 notitle, \\
     '' using ($0+0.16):3:(valid(3) ? sprintf('%.2f', $3) : '') with labels offset 0,0.6 notitle
"""


def draw(rows, folder):
    """Draws the ratios of `rows` (as overhead.csv has them) to files in `folder`; returns their names."""
    ratios = {row[0]: float(row[5]) for row in rows}
    lines = [f"{name} {ratio} {PUBLISHED.get(name, '?')}" for name, ratio in ratios.items()]
    compared = [ratios[name] for name in PUBLISHED if name in ratios]
    if len(compared) == len(PUBLISHED):
        lines.insert(len(PUBLISHED), f'"mean of four" {statistics.mean(compared):.3f} {PUBLISHED_MEAN}')
    data = os.path.join(folder, "overhead.dat")
    with open(data, "w", encoding="ascii") as file:
        file.write("\n".join([*lines, ""]))
    return [draw_one(kind, data, os.path.join(folder, f"overhead.{kind}")) for kind in TERMINALS]


def draw_one(kind, data, output):
    script = SCRIPT.format(terminal=TERMINALS[kind], output=output, data=data)
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    return output
