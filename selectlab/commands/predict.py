"""``selectlab predict``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectlab.errors import ConfigError, DataError

if TYPE_CHECKING:
    from selectlab.video.prediction import Outcome

_SHOWN = 5


def predict(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="VIDEOS_OR_IMAGES...", help="Files, or folders searched for both."),
    ],
    out: Annotated[Path, typer.Option(help="Dataset to write; may exist.")],
    model: Annotated[
        str, typer.Option(help="Weights of an ultralytics model, or a .yaml.")
    ] = "yolov8n.pt",
    conf: Annotated[float, typer.Option(min=0, max=1, help="Lowest score to keep.")] = 0.1,
    classes: Annotated[
        str | None, typer.Option(help="Names to keep, such as car,person. Default: all.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="Name of the prediction task. Default: the model's name.")
    ] = None,
    pretagging: Annotated[
        bool,
        typer.Option("--pretagging", help="Short for the task lightly_pretagging, its 7 classes."),
    ] = False,
    embed: Annotated[
        bool, typer.Option("--embed", help="Embeddings of images and objects, in the same pass.")
    ] = False,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Image metrics lightly.*, in the same pass.")
    ] = False,
    imgsz: Annotated[
        int | None, typer.Option(min=32, help="Longer side of the network's input, px.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Images in a pass.")] = 8,
    device: Annotated[str | None, typer.Option(help="Such as cpu or cuda:0.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Forget what the task holds; predict again.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Run a YOLO model on videos or images.

    Writes predictions in the Lightly folder format into --out, a file for every frame, with class
    probabilities. Run it again after an interruption: finished videos are not predicted again.

    Example: selectlab predict videos/ --model yolov8n.pt --embed --metrics --out ./dataset

    Images: selectlab predict ./dataset --out ./dataset puts the predictions beside the images.
    """
    from selectlab.video.prediction import PRETAGGING, PRETAGGING_CLASSES
    from selectlab.video.prediction import predict as run
    from selectlab.video.progress import shown

    wanted = None if classes is None else [name.strip() for name in classes.split(",")]
    if pretagging:
        if task is not None or wanted is not None:
            raise ConfigError("--pretagging: sets --task and --classes; leave them out")
        task, wanted = PRETAGGING, list(PRETAGGING_CLASSES)
    with shown() as progress:
        outcome = run(
            inputs,
            out=out,
            model=model,
            confidence=conf,
            classes=wanted,
            task=task,
            embed=embed,
            metrics=metrics,
            image_size_px=imgsz,
            batch=batch,
            device=device,
            overwrite=overwrite,
            progress=progress,
        )
    _print(outcome, as_json)
    if outcome.failed:
        reasons = list(outcome.failed.values())
        more = "; ..." if len(reasons) > _SHOWN else ""
        raise DataError(
            f"{len(reasons)} of the inputs could not be predicted: "
            f"{'; '.join(reasons[:_SHOWN])}{more}"
        )


def _print(outcome: Outcome, as_json: bool) -> None:
    samples = sum(outcome.predicted.values())
    if as_json:
        summary: dict[str, Any] = {
            "task": outcome.task,
            "samples": samples,
            "predicted": outcome.predicted,
            "finished_before": outcome.finished,
            "failed": outcome.failed,
            "seconds": round(outcome.seconds, 3),
            "notes": outcome.notes,
            "out": str(outcome.out),
        }
        typer.echo(json.dumps(summary, indent=2, ensure_ascii=False))
        return
    speed = f", {samples / outcome.seconds:.1f} a second" if samples else ""
    typer.echo(f"{samples} images predicted{speed}; task {outcome.task!r} in {outcome.out}/")
    if outcome.finished:
        typer.echo(f"{len(outcome.finished)} videos or groups of images were finished before")
    for note in outcome.notes:
        typer.echo(f"note: {note}")
