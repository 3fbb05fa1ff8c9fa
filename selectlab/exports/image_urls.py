"""Addresses under which a tool finds images, made from a template such as ``https://host/{id}``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import Formatter
from urllib.parse import quote

from selectlab.errors import ConfigError, did_you_mean
from selectlab.inputs.sample_ids import stem_of

FIELDS: Mapping[str, Callable[[str], str]] = {
    "id": quote,
    "id_raw": lambda sample_id: sample_id,
    "name": lambda sample_id: quote(sample_id.rpartition("/")[2]),
    "stem": lambda sample_id: quote(stem_of(sample_id.rpartition("/")[2])),
}
"""What a template may have in braces: the id with ``%20`` and the like, slashes kept; the id as it
is; the last part of the id; that without its ending."""


class UrlTemplate:
    """Fills in the addresses of images.

    Args:
        text: Such as ``s3://bucket/{id}``. Braces that are meant are doubled: ``{{``.

    Raises:
        ConfigError: A field is not known, or there is none.

    Example:
        >>> UrlTemplate("https://host/{id}").of("a b/#1.jpg")
        'https://host/a%20b/%231.jpg'
        >>> UrlTemplate("/data/{stem}.webp?of={id_raw}").of("a b/1.jpg")
        '/data/1.webp?of=a b/1.jpg'
    """

    def __init__(self, text: str) -> None:
        self._parts: list[tuple[str, Callable[[str], str] | None]] = []
        try:
            parsed = list(Formatter().parse(text))
        except ValueError as error:
            raise ConfigError(f"image_url: {text!r} is no template, {error}") from None
        for literal, field, form, conversion in parsed:
            if field is not None and (field not in FIELDS or form or conversion):
                raise ConfigError(
                    f"image_url: {text!r} has a field {{{field}}}{did_you_mean(field, FIELDS)}"
                )
            self._parts.append((literal, None if field is None else FIELDS[field]))
        if not any(fill for _, fill in self._parts):
            raise ConfigError(
                f"image_url: {text!r} is the same for all images; write {{id}} where the sample id "
                "belongs"
            )

    def of(self, sample_id: str) -> str:
        """Return the address of a sample's image."""
        return "".join(
            literal + ("" if fill is None else fill(sample_id)) for literal, fill in self._parts
        )
