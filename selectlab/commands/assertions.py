"""``selectlab assert``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectlab.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from selectlab.assertion_run import AssertionRun
    from selectlab.assertions.protocol import Assertion

_SHOWN = 30


def assert_(
    name: Annotated[
        str,
        typer.Argument(help="flicker, appear, multibox, class_flip, agree, or a plug-in's."),
    ],
    data: Annotated[str, typer.Option(help="Dataset: a folder or a URL.")],
    task: Annotated[str, typer.Option(help="Prediction task to check.")],
    parity: Annotated[
        bool,
        typer.Option("--parity", help="flicker: exactly the procedure of Lightly's tutorial."),
    ] = False,
    iou_tracking: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Boxes that overlap more are one object. Default for flicker: 0.4, with "
            "--parity 0.8.",
        ),
    ] = None,
    iou_assertion: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="flicker: a box that overlaps the expected one this much is the object. "
            "Default: 0.8, with --parity 0.6.",
        ),
    ] = None,
    min_score: Annotated[
        float | None, typer.Option(min=0, max=1, help="Least confidence of a box. Default: 0.1.")
    ] = None,
    max_gap: Annotated[
        int | None,
        typer.Option(help="Most frames in a row an object may be missing. Default: 1."),
    ] = None,
    other: Annotated[str | None, typer.Option(help="agree: the other prediction task.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Any other parameter, such as max_frames=2."
        ),
    ] = None,
    quiet: Annotated[
        float, typer.Option(min=0, max=1, help="Metadata value where nothing is wrong.")
    ] = 0.5,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to. Default: the dataset itself.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Find frames of videos in which a model contradicts itself.

    Prints how many frames are flagged, and writes metadata (1.0 for flagged frames, 0.5 for the
    others; key 'flickering' for flicker, the assertion's name for others) and the boxes that
    should have been there (imputed/TASK/NAME.json).

    Example: selectlab assert flicker --data ./dataset --task yolov8

    Then: {"input": {"type": "METADATA", "key": "flickering"}, "strategy": {"type": "WEIGHTS"}}
    """
    given = {
        "parity": parity or None,
        "iou_tracking": iou_tracking,
        "iou_assertion": iou_assertion,
        "min_score": min_score,
        "max_gap": max_gap,
        "other": other,
        **_values(set_ or []),
    }
    assertion = _make(name, {key: value for key, value in given.items() if value is not None})
    from selectlab.assertion_run import run_assertion, write_run
    from selectlab.inputs.folder import open_dataset

    run = run_assertion(assertion, open_dataset(data), task)
    written = () if dry_run else write_run(run, out, quiet=quiet)
    _print(run, [str(path) for path in written], as_json)


def _values(settings: list[str]) -> dict[str, Any]:
    """Return NAME=VALUE settings; values are JSON where they can be, text otherwise."""
    found = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not key or not equals:
            raise ConfigError(f"--set: expected NAME=VALUE, got {setting!r}")
        try:
            found[key] = json.loads(text)
        except ValueError:
            found[key] = text
    return found


def _make(name: str, parameters: dict[str, Any]) -> Assertion:
    """Return an assertion by name.

    Raises:
        ConfigError: There is none of that name, or a parameter does not fit.
    """
    from selectlab import registry
    from selectlab.validation import validated

    installed = registry.assertions()
    if name not in installed:
        raise ConfigError(f"nothing is called {name!r}{did_you_mean(name, installed)}")
    made: Assertion = validated(installed[name].cls, parameters, name)
    return made


def _print(run: AssertionRun, written: list[str], as_json: bool) -> None:
    counts = run.counts()
    if as_json:
        about = {"assertion": run.assertion.model_dump(mode="json"), "task": run.task}
        typer.echo(json.dumps({**about, **counts, "written": written}, indent=2))
        return
    from selectlab.console import table

    kinds = ("frames", "flagged_frames", "imputed_boxes", "offending_boxes")
    lines = [
        (str(video["video"] or "(images)"), *(str(video[kind]) for kind in kinds))
        for video in counts["videos"]
    ]
    more = [] if len(lines) <= _SHOWN else [(f"... {len(lines) - _SHOWN} more", *[""] * len(kinds))]
    total = ("in all", *(str(counts[kind]) for kind in kinds))
    titles = ("video", *(kind.replace("_", " ") for kind in kinds))
    table(titles, [*lines[:_SHOWN], *more, total])
    for path in written:
        typer.echo(f"written: {path}")
