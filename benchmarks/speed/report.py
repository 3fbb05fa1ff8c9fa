"""The page of results: every number in it comes from a result file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.results import read_folder
from benchmarks.speed.case import cases
from benchmarks.text import number, table

Result = Mapping[str, Any]

INTRODUCTION = """\
# Side-by-side speed

Written by `python -m benchmarks.speed report` from the files of [results]({results}); edit those
by running, not this page.

Everyone gets the same arrays, in memory before the clock starts (except where a case says
otherwise), in one run, in turns. Seconds are wall clock of the library's call, the median of the
repeats; **ratio** is how many times as long as ours a peer took, by the medians, and in brackets
the median of the ratios round by round. Memory is what the peak grows over the loaded arrays.

Nobody's word is taken for an answer: the runner recomputes in float64 what the returned rows are
worth. The **violation** says how far a pick lay below the best row at that moment by the plain
definition (squared distance for DIVERSITY, log score for joint plans, distance or typicality
elsewhere), over the picks that were checked; a method that follows the definition exactly has none
beyond rounding.

Facility location (apricot, submodlib) is left out: nothing here maximises it, and a race between
different objectives says nothing.
"""
AGAIN = """\
## Run it again

```
pip install -c constraints.txt ".[bench]"
python -m benchmarks.speed run --size full
python -m benchmarks.speed curves --size full
python -m benchmarks.speed report
```

Peers get virtual environments of their own (`--envs DIR`; the user's cache folder otherwise).
`--seed N` and `--data KIND` make other arrays, `--size small` takes seconds, and
`python -m benchmarks.speed list` says what there is.
"""
QUALITY = {
    "radius": "radius",
    "farthest": "farthest",
    "lowest": "lowest",
    "closest_pair": "closest pair",
    "spread": "spread",
    "violation": "violation",
}
"""What the judge found, and how a table calls it."""


def page(folder: Path, beside: Path) -> str:
    """Return the page as Markdown.

    Args:
        folder: Where the results are.
        beside: Folder of the page, for its links.
    """
    found = _found(folder)
    parts = [INTRODUCTION.format(results=os.path.relpath(folder, beside))]
    if not found:
        return "\n".join([*parts, "No result yet.\n", AGAIN])
    parts += ["## Targets\n", _targets(found), "## Machine\n", _machines(found), "## Cases\n"]
    parts += [_case(result) for result in found]
    parts += _plots(beside)
    parts += [AGAIN]
    return "\n".join(parts)


def targets(folder: Path) -> str:
    """Return the table of what was promised and measured, or "" where there is no result."""
    found = _found(folder)
    return _targets(found) if found else ""


def _found(folder: Path) -> list[Result]:
    """Return the results of races, in the order of the cases."""
    found = [r for r in read_folder(folder).values() if "contestants" in r]
    order = list(cases())
    found.sort(key=lambda r: (order.index(r["case"]) if r["case"] in order else 99, _other(r)))
    return found


def _other(result: Result) -> bool:
    """Whether the data is not the case's own."""
    return bool(result["data"] != cases()[result["case"]].data)


def _targets(found: Sequence[Result]) -> str:
    rows = []
    for result in found:
        mine = result["contestants"][result["ours"]]
        for target in result["targets"]:
            met = {True: "yes", False: "**no**", None: "?"}[target["met"]]
            rows.append(
                (
                    *(result["title"], result["data"], _seconds(mine)),
                    *(target["text"], target["measured"], met),
                )
            )
    return table(("work", "data", "ours", "target", "measured", "met"), rows)


def _machines(found: Sequence[Result]) -> str:
    rows = []
    for result in found:
        machine, limits = result["machine"], result["limits"]
        sgemm = " / ".join(f"{v:.0f} ({n})" for n, v in limits["sgemm_gflops"].items())
        loads = result["load_averages"]
        version = result["versions"]
        rows.append(
            (
                f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']:.0f} GB",
                sgemm,
                f"{limits['memory_read_gb_per_s']:.0f}",
                f"{limits['disk_read_gb_per_s']:.1f}",
                f"{version['selectlab']} ({version['commit']}), Python {version['python']}, "
                f"numpy {version['numpy']}",
                f"{min(loads):.1f} to {max(loads):.1f}" if loads else "",
                result["date"][:10],
            )
        )
    titles = (
        *("machine", "sgemm, GFLOP/s (threads)", "memory read, GB/s", "disk read, GB/s"),
        *("selectlab", "load average", "date"),
    )
    text = table(titles, dict.fromkeys(rows))
    if any(max(r["load_averages"], default=0) > r["machine"]["cores"] + 1 for r in found):
        text += "\nSomething else ran beside: trust the ratios, not the seconds.\n"
    return text


def _case(result: Result) -> str:
    shape = result["shape"]
    rows = [_contestant(result, key) for key in result["contestants"]]
    titles = ("", "seconds", "from - to (repeats)", "ratio", "memory, MB", "quality", "same rows")
    lines = [
        f"### {result['title']}\n",
        f"`{result['case']}`, data `{result['data']}`, seed {result['seed']}: "
        f"{shape['n']:,} rows, {shape['d']} dimensions, {shape['k']:,} picks at most.\n",
        table(titles, rows),
        _limits(result),
    ]
    for told in result["contestants"].values():
        lines += [f"- {told['name']}: {complaint}." for complaint in told.get("complaints", ())]
        if told.get("same_every_time") is False:
            lines.append(f"- {told['name']}: other rows in another repeat.")
    return "\n".join([*lines, ""])


def _contestant(result: Result, key: str) -> tuple[str, ...]:
    told = result["contestants"][key]
    name = f"**{told['name']}**" if key == result["ours"] else told["name"]
    if told["median_s"] is None:
        text = told["why"] or told["status"]
        if told["status"] in ("not run", "stopped"):
            text = f"> {result['rules']['patience_s']:.0f} s ({told['status']}: {told['why']})"
        return (name, text, "", _ratio(result["ratios"].get(key)), "", "", "")
    spread = f"{number(min(told['seconds']))} - {number(max(told['seconds']))}"
    quality = told["quality"] or {}
    parts = [f"{w} {number(quality[q])}" for q, w in QUALITY.items() if quality.get(q) is not None]
    same = f"{told['same_rows']} of {quality['picks']}" if quality and "same_rows" in told else ""
    return (
        name,
        number(told["median_s"]),
        f"{spread} ({len(told['seconds'])})",
        _ratio(result["ratios"].get(key)),
        f"{told['memory_mb']:.0f}",
        ", ".join(parts) or "no answer",
        "" if key == result["ours"] else same,
    )


def _limits(result: Result) -> str:
    """Say how far ours is from what the machine can do at most."""
    mine = result["contestants"][result["ours"]]
    if mine["median_s"] is None:
        return ""
    limits = result["limits"]
    sgemm = max(limits["sgemm_gflops"].values())
    products = result["plain_gflop"] / sgemm
    reading = result["array_mb"] / 1e3 / limits["memory_read_gb_per_s"]
    return (
        f"Limits of this run: all {number(result['plain_gflop'])} GFLOP of the plain method at "
        f"the measured sgemm rate would take {number(products)} s, reading the arrays once "
        f"{number(reading)} s. Ours took {number(mine['median_s'] / products)} times the first, "
        f"{number(mine['median_s'] / reading)} times the second.\n"
    )


def _plots(beside: Path) -> list[str]:
    files = sorted((beside / "plots").glob("*.png"))
    if not files:
        return []
    pictures = [f"![{path.stem}]({path.relative_to(beside).as_posix()})\n" for path in files]
    return ["## Growth\n", *pictures]


def _seconds(told: Result) -> str:
    return f"{number(told['median_s'])} s" if told["median_s"] is not None else told["status"]


def _ratio(ratio: Result | None) -> str:
    if ratio is None:
        return ""
    if ratio["at_least"]:
        return f"> {number(ratio['of_medians'])}"
    return f"{number(ratio['of_medians'])} ({number(ratio['median_of_rounds'])})"
