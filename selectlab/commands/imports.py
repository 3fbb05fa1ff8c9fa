"""``selectlab import``: text files of others as predictions in a dataset folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from selectlab.inputs.prediction_columns import PredictionTable

app = typer.Typer(
    name="import",
    help="Bring in MOT and KITTI detections.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

File = Annotated[Path, typer.Argument(help="The text file.")]
Out = Annotated[Path, typer.Option(help="Dataset to write; may exist.")]
Name = Annotated[str | None, typer.Option(help="Name of the video, without extension.")]
Frames = Annotated[int | None, typer.Option(min=1, help="Length of the video, in frames.")]
Extension = Annotated[str, typer.Option(help="Extension of the video.")]
Task = Annotated[str, typer.Option(help="Name of the prediction task.")]


@app.command()
def mot(
    file: File,
    out: Out,
    task: Task = "mot",
    name: Name = None,
    seqinfo: Annotated[
        Path | None, typer.Option(help="Default: seqinfo.ini beside the file, or above it.")
    ] = None,
    n_frames: Frames = None,
    category: Annotated[str, typer.Option(help="The class of all boxes.")] = "pedestrian",
    extension: Extension = "mp4",
) -> None:
    """Import MOTChallenge detections, frame,id,x,y,w,h,score.

    Writes a prediction file for every frame, those without boxes included.

    Example: selectlab import mot MOT17-02/det.txt --out ./dataset
    """
    from selectlab.inputs.mot import read_mot

    table = read_mot(
        file,
        seqinfo=seqinfo,
        name=name,
        n_frames=n_frames,
        category=category,
        extension=extension,
        task=task,
    )
    _write(table, out, task)


@app.command()
def kitti(
    file: File,
    out: Out,
    task: Task = "kitti",
    name: Name = None,
    n_frames: Frames = None,
    names: Annotated[
        Path | None, typer.Option(help="Class names: a data.yaml, or text, one a line.")
    ] = None,
    extension: Extension = "mp4",
) -> None:
    """Import detections of a KITTI sequence, frame,-1,x1,y1,x2,y2,score,class.

    Writes a prediction file for every frame, those without boxes included.

    Example: selectlab import kitti 0000.txt --n-frames 154 --out ./dataset
    """
    from selectlab.inputs.kitti import COCO_NAMES, read_kitti

    known = names if names is not None else COCO_NAMES
    table = read_kitti(
        file, name=name, n_frames=n_frames, names=known, extension=extension, task=task
    )
    _write(table, out, task)


def _write(table: PredictionTable, out: Path, task: str) -> None:
    """Write predictions in the Lightly folder format."""
    from selectlab.prediction_files import write_predictions

    n_boxes = write_predictions(table, out)
    typer.echo(json.dumps({"task": task, "frames": len(table.ids), "boxes": n_boxes}))
