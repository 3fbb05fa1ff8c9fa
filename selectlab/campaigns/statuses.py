"""What may become of a collected sample."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from selectlab.errors import ConfigError, did_you_mean

Status = Literal["new", "accepted", "discarded", "exported"]
STATUSES: tuple[Status, ...] = get_args(Status)


class Standing(NamedTuple):
    """Where a collected sample stands.

    Attributes:
        status: The last thing that happened to it.
        accepted: Whether a person said yes to it; an exported sample keeps that.
    """

    status: Status
    accepted: bool

    def then(self, wanted: Status) -> Standing | None:
        """Return where it stands when ``wanted`` is asked for; ``None`` where it may not be.

        Nothing becomes new again, and what was discarded has to be accepted before it can be
        exported. Accepting what is exported already leaves it exported, as an accepted one.

        Example:
            >>> Standing("new", False).then("exported").then("accepted")
            Standing(status='exported', accepted=True)
            >>> Standing("discarded", False).then("exported") is None
            True
        """
        if wanted == self.status == "new":
            return self
        if wanted == "new" or (wanted == "exported" and self.status == "discarded"):
            return None
        if wanted == "accepted":
            return Standing("exported" if self.status == "exported" else "accepted", True)
        return Standing(wanted, self.accepted and wanted == "exported")


def checked_status(given: str) -> Status:
    """Return a status.

    Raises:
        ConfigError: There is none of this name.
    """
    if given not in STATUSES:
        raise ConfigError(f"status: nothing is called {given!r}{did_you_mean(given, STATUSES)}")
    return given
