"""Predictions as Lightly lays them out: tasks.json, a schema.json per task, a JSON per image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast, get_args

from selectlab.columns import TaskType
from selectlab.errors import DataError, did_you_mean
from selectlab.inputs.files import Folder, Progress, parse_json
from selectlab.inputs.image_names import ImageNames
from selectlab.inputs.prediction_checks import TaskSchema, shown
from selectlab.inputs.prediction_columns import PredictionBuilder, PredictionTable
from selectlab.inputs.sample_ids import sample_id, stem_of

TASK_TYPES: tuple[str, ...] = get_args(TaskType)


def parse_tasks(content: Any, where: str) -> tuple[str, ...]:
    """Return the task names of a tasks.json.

    Raises:
        DataError: It is no list of different names.
    """
    named = isinstance(content, list) and all(isinstance(task, str) and task for task in content)
    if not named or len(set(content)) < len(content):
        raise DataError(f"{where}: must be a list of different task names, got {shown(content)}")
    for task in content:
        sample_id(task, where)
    return tuple(content)


def parse_schema(content: Any, task: str, where: str) -> TaskSchema:
    """Return the schema of a task; keys beyond task_type and categories are passed over.

    Raises:
        DataError: The task type or the categories are not as they should be.
    """
    if not isinstance(content, dict):
        raise DataError(f"{where}: must be an object with task_type and categories")
    task_type = content.get("task_type")
    if task_type not in TASK_TYPES:
        hint = did_you_mean(task_type, TASK_TYPES)
        raise DataError(f"{where}: task_type {task_type!r} is not known{hint}")
    ids, names = parse_categories(content.get("categories"), where)
    return TaskSchema(task, cast(TaskType, task_type), ids, names)


def parse_categories(content: Any, where: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the ids and names of a list of categories ``{"id": 0, "name": "car"}``.

    Raises:
        DataError: The list is empty, or ids or names are malformed or repeat.
    """
    if not isinstance(content, list) or not content:
        raise DataError(f"{where}: categories must be a list of objects with id and name")
    for position, category in enumerate(content):
        held = category if isinstance(category, dict) else {}
        given, name = held.get("id"), held.get("name")
        if type(given) is not int or given < 0 or not isinstance(name, str) or not name:
            raise DataError(
                f"{where}: categories[{position}] needs an id, a whole number >= 0, "
                f"and a name, got {shown(category)}"
            )
    ids = tuple(category["id"] for category in content)
    names = tuple(category["name"] for category in content)
    for what, values in (("id", ids), ("name", names)):
        twice = next((value for at, value in enumerate(values) if value in values[:at]), None)
        if twice is not None:
            raise DataError(f"{where}: category {what} {twice!r} occurs twice")
    return ids, names


def read_task(
    folder: Folder,
    base: str,
    schema: TaskSchema,
    names: ImageNames,
    progress: Progress | None = None,
) -> PredictionTable:
    """Read all prediction files of a task.

    Args:
        folder: The dataset.
        base: Path of the task's folder in it.
        schema: The task's schema.
        names: The images, for files that do not spell out their image.
        progress: Called with the number of files read and their total.

    Raises:
        DataError: A file is malformed; the message names it.
    """
    builder = PredictionBuilder(schema, base)
    for path, data in folder.read_many(prediction_files(folder, base), progress):
        content = parse_json(data, path)
        if not isinstance(content, dict) or "predictions" not in content:
            raise DataError(f"{path}: must be an object with file_name and predictions")
        name = file_sample(content, path, path[len(base) + 1 : -len(".json")], names)
        builder.add(name, content["predictions"], path)
    return builder.table()


def prediction_files(folder: Folder, base: str) -> Sequence[str]:
    """Return the paths of the JSON files of a task, its schema aside."""
    schema = f"{base}/schema.json"
    return [path for path in folder.under(base) if path.endswith(".json") and path != schema]


def file_sample(content: dict[str, Any], path: str, relative: str, names: ImageNames) -> str:
    """Return the sample that a JSON file is about.

    The place of the file decides; ``file_name`` adds the extension. It may lack the folders.

    Args:
        content: The file's content.
        path: Its path, for messages.
        relative: Its path below the task's folder, without ``.json``.
        names: The images.

    Raises:
        DataError: ``file_name`` leads out of the dataset or belongs to another image.
    """
    given = content.get("file_name")
    stem = stem_of(relative)
    if given is None:
        found = relative if relative in names.images else names.of_stem(stem)
        if found is None:
            raise DataError(f"{path}: has no file_name, and no single image is called {stem!r}")
        return found
    name = sample_id(given, f"{path}: file_name")
    if "/" not in name and "/" in stem:
        name = f"{stem.rpartition('/')[0]}/{name}"
    if stem not in (stem_of(name), name.rpartition(".")[0]):
        raise DataError(
            f"{path}: file_name {given!r} belongs to another place; expected {stem!r} "
            "and an extension"
        )
    return name if name in names.images else names.of_stem(stem) or name
