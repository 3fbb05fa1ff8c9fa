"""``selectlab import``: text files of others as predictions in a dataset folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from selectlab.inputs.prediction_columns import PredictionTable
    from selectlab.video.origin import Origin

app = typer.Typer(
    name="import",
    help="Bring in MOT and KITTI boxes.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

File = Annotated[Path, typer.Argument(help="The text file.")]
Out = Annotated[Path, typer.Option(help="Dataset to write; may exist.")]
Video = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The video that the boxes are of. Default: the one of that name in the dataset, if "
        "there is one.",
    ),
]
Name = Annotated[
    str | None, typer.Option(help="Name of the video, without extension, if it is not at hand.")
]
Frames = Annotated[int | None, typer.Option(min=1, help="Length of the video, in frames.")]
Extension = Annotated[
    str | None,
    typer.Option(help="Extension of the video. Default: that of the video found, or mp4."),
]
Task = Annotated[str, typer.Option(help="Name of the prediction task.")]


@app.command()
def mot(
    file: File,
    out: Out,
    task: Task = "mot",
    video: Video = None,
    name: Name = None,
    extension: Extension = None,
    seqinfo: Annotated[
        Path | None, typer.Option(help="Default: seqinfo.ini beside the file, or above it.")
    ] = None,
    n_frames: Frames = None,
    category: Annotated[str, typer.Option(help="The class of all boxes.")] = "pedestrian",
) -> None:
    """Import MOTChallenge detections, frame,id,x,y,w,h,score.

    Writes a prediction file for every frame, those without boxes included. Frames are called after
    their video, clip-007-mp4.png.

    Example: selectlab import mot MOT17-02/det.txt --video videos/street.avi --out ./dataset
    """
    from selectlab.inputs.mot import mot_sequence, read_mot
    from selectlab.video.origin import origin_of

    called, stated = mot_sequence(file, seqinfo)
    origin = origin_of(out, called, name=name, extension=extension, video=video)
    table = read_mot(
        file,
        seqinfo=seqinfo,
        name=origin.name,
        n_frames=n_frames or origin.length(stated),
        category=category,
        extension=origin.extension,
        task=task,
    )
    _write(table, origin, out, task)


@app.command()
def kitti(
    file: File,
    out: Out,
    task: Task = "kitti",
    video: Video = None,
    name: Name = None,
    extension: Extension = None,
    n_frames: Frames = None,
    names: Annotated[
        Path | None,
        typer.Option(
            help="Class names: a data.yaml, or text, one a line. Default: KITTI's own for labels, "
            "those of COCO for class numbers."
        ),
    ] = None,
) -> None:
    """Import KITTI tracking labels, or detections frame,-1,x1,y1,x2,y2,score,class.

    Writes a prediction file for every frame, those without boxes included. Labels are those of a
    sequence, label_02/0000.txt; they get the score 1, and DontCare regions are left out.

    Example: selectlab import kitti label_02/0000.txt --video videos/0000.mp4 --out ./dataset
    """
    from selectlab.inputs.kitti import read_kitti
    from selectlab.video.origin import origin_of

    origin = origin_of(out, file.stem, name=name, extension=extension, video=video)
    table = read_kitti(
        file,
        name=origin.name,
        n_frames=n_frames or origin.length(None),
        names=names,
        extension=origin.extension,
        task=task,
    )
    _write(table, origin, out, task)


def _write(table: PredictionTable, origin: Origin, out: Path, task: str) -> None:
    """Write predictions in the Lightly folder format, and where their video lies."""
    from selectlab.prediction_files import write_predictions
    from selectlab.video.origin import remember

    n_boxes = write_predictions(table, out)
    remember(origin, out)
    note = origin.note(out)
    if note is not None:
        typer.echo(f"note: {note}", err=True)
    told = {"task": task, "video": origin.video, "frames": len(table.ids), "boxes": n_boxes}
    typer.echo(json.dumps(told))
