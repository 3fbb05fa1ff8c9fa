"""``selectlab frames``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from selectlab.commands.options import Videos


def frames(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or a text file of ids.")],
    data: Annotated[str, typer.Option(help="Dataset that the run selected from.")],
    out: Annotated[Path, typer.Option(help="Folder to make.")],
    videos: Videos = None,
    neighbours: Annotated[
        int, typer.Option(min=0, help="Write this many frames before and after too.")
    ] = 0,
    task: Annotated[
        str | None, typer.Option(help="Task of the boxes. Default: the only one.")
    ] = None,
    imputed: Annotated[
        Path | None,
        typer.Option(
            help="Imputed boxes, as 'selectlab assert' writes them. Default: those in the "
            "dataset, of flicker if there are several."
        ),
    ] = None,
    min_score: Annotated[
        float, typer.Option(min=0, max=1, help="Lowest score of a predicted box to keep.")
    ] = 0.25,
    coco: Annotated[bool, typer.Option("--coco", help="Boxes as coco.json.")] = False,
    yolo: Annotated[bool, typer.Option("--yolo", help="Boxes as labels/ and data.yaml.")] = False,
    sheet: Annotated[
        bool, typer.Option("--sheet", help="Draw sheet.pdf: previous, selected, next.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace earlier frames in --out.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Write selected video frames as images.

    With boxes to start labelling from: what the model predicted, and what it should have.

    Example: selectlab frames ./run1 --data ./dataset --videos ./videos --coco --sheet --out ./todo
    """
    from selectlab.inputs.folder import open_dataset
    from selectlab.video.frames_out import write_frames
    from selectlab.video.progress import shown

    titles = _titles(run)
    samples = list(titles)
    dataset = open_dataset(data)
    dataset.rows_of(samples, str(run))
    with shown() as progress:
        written = write_frames(
            samples,
            dataset,
            videos,
            out,
            neighbours=neighbours,
            task=task,
            imputed=imputed if imputed is not None else _imputed_in(Path(data), task),
            min_score=min_score,
            coco=coco,
            yolo=yolo,
            sheet=sheet,
            titles=titles,
            overwrite=overwrite,
            progress=progress,
        )
    near = len({name for held in written.neighbours.values() for name in held.values()})
    if as_json:
        summary = {"frames": len(written.sizes), "neighbours": near, "out": str(out)}
        typer.echo(json.dumps(summary, indent=2, ensure_ascii=False))
    else:
        typer.echo(f"{len(written.sizes)} images and {near} neighbours written: {out}/")


def _titles(run: Path) -> dict[str, str]:
    """Return the reason of each sample of a run, or nothing for the ids of a text file.

    Raises:
        DataError: The run or file cannot be read, or names no samples.
    """
    from selectlab.config import read_json
    from selectlab.errors import DataError
    from selectlab.inputs.sample_ids import unique_id_lines
    from selectlab.writers import PICKS

    try:
        if run.is_dir():
            picks = read_json(run / PICKS)["selected"]
            titles = {pick["sample_id"]: pick.get("reason") or "" for pick in picks}
        else:
            titles = dict.fromkeys(unique_id_lines(run.read_bytes(), str(run)), "")
    except OSError as error:
        raise DataError(f"{run}: cannot be read: {error.strerror or error}") from error
    except (KeyError, TypeError) as error:
        raise DataError(f"{run}: its {PICKS} is not one that a run has written") from error
    if not titles:
        raise DataError(f"{run}: names no samples")
    return titles


def _imputed_in(data: Path, task: str | None) -> Path | None:
    """Return the file of imputed boxes that 'selectlab assert' left in a dataset, if any."""
    folders = [data / ".lightly" / "imputed", data / "imputed"]
    found = [path for folder in folders for path in sorted(folder.glob(f"{task or '*'}/*.json"))]
    of_flicker = [path for path in found if path.stem == "flicker"]
    best = of_flicker or found
    return best[0] if len(best) == 1 else None
