"""The report of a run: written beside it, or anywhere else."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from selectlab import progress
from selectlab.atomic import write_atomically
from selectlab.dataset import Dataset
from selectlab.errors import DataError, SelectlabError
from selectlab.report.html import MARK, needed, render
from selectlab.report.pdf import find_browser, print_pdf
from selectlab.report.record import read_run
from selectlab.resources import current, parse_memory, using

FILE = "report.html"
"""Name of a report in the folder of its run."""

_HEAD_BYTES = 4096


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        html: The page.
        pdf: The same, printed; ``None`` if it was not asked for.
        n_bytes: Size of the page.
        with_data: Whether the dataset was at hand.
    """

    html: Path
    pdf: Path | None
    n_bytes: int
    with_data: bool


def write_report(
    run: str | os.PathLike[str],
    data: Dataset | str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    *,
    pdf: bool = False,
    projection: str = "pca",
    videos: str | os.PathLike[str] | None = None,
    memory: str | int | None = None,
) -> Written:
    """Write the report of a run: one HTML file that holds everything it shows.

    Args:
        run: Folder of the run.
        data: What it selected from: a dataset, or its path or URL. ``None`` takes the folder that
            the run names, if it is there, and does without where it is not.
        out: File to write. Default: ``report.html`` in the folder of the run.
        pdf: Print it too, to a file of the same name that ends in ``.pdf``.
        projection: How embeddings are laid out: ``"pca"``, or ``"umap"`` where it is installed.
        videos: Folder of the videos that samples are frames of. Default: the dataset's.
        memory: Most memory to work in, as of :func:`selectlab.select`.

    Returns:
        Where it is.

    Raises:
        ConfigError: There is no such projection.
        DataError: It is no folder of a run, the dataset given does not fit it, or the file cannot
            be written.
        MissingExtraError: jinja2, plotly or umap-learn is not installed, or for ``pdf`` no browser
            is.
    """
    needed()
    browser = find_browser() if pdf else None
    folder = Path(run)
    record = read_run(folder)
    target = Path(out) if out is not None else folder / FILE
    check_target(target)
    if browser is not None:
        check_target(target.with_suffix(".pdf"))
    limit = parse_memory(str(memory)) if memory is not None else current().memory
    with using(replace(current(), memory=limit)):
        dataset = _dataset(data, record.dataset)
        place = None if videos is None else Path(videos)
        strict = data is not None
        text = render(folder, dataset, projection=projection, videos=place, strict=strict)
        progress.stage("writing the report")
        _write(target, text)
        if browser is not None:
            progress.stage(f"printing with {Path(browser).stem}")
            print_pdf(browser, target, target.with_suffix(".pdf"))
    printed = target.with_suffix(".pdf") if browser is not None else None
    return Written(target, printed, len(text.encode()), dataset is not None)


def _write(target: Path, text: str) -> None:
    try:
        write_atomically(target, text)
    except OSError as error:
        raise DataError(f"{target}: cannot be written: {error.strerror or error}") from None


def check_target(target: Path) -> None:
    """Refuse a file that is something else than a report, before any work is done.

    Raises:
        DataError: It is a folder, or holds something else.
    """
    if target.is_dir():
        raise DataError(f"{target}: is a folder; say the file to write")
    if not target.exists():
        return
    try:
        with target.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise DataError(f"{target}: cannot be read: {error.strerror or error}") from None
    ours = f'name="generator" content="{MARK}"'.encode() in head or head.startswith(b"%PDF-")
    if head and not ours:
        raise DataError(f"{target}: is there already and is no report; it is not overwritten")


def _dataset(data: Dataset | str | os.PathLike[str] | None, told: str) -> Dataset | None:
    """Return the dataset given, or the folder that the run names if it is there."""
    from selectlab.inputs.folder import open_dataset

    if isinstance(data, Dataset):
        return data
    if data is not None:
        return open_dataset(data)
    if not told or "://" in told or not Path(told).expanduser().is_dir():
        return None
    try:
        return open_dataset(told)
    except SelectlabError:
        return None
