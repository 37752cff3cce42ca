"""The errors that lipdata raises for a mistake of the user's or a fault in the input."""


class LipdataError(Exception):
    """One line for a user: what is wrong, what was got, what is allowed, what to do next."""


class ClipError(LipdataError):
    """One clip cannot be used. The run goes on; the ledger gets the stage and the reason.

    Attributes:
        stage: the room that refused it: ``manifest``, ``media`` or ``lips``; ``sync`` where ``--sync-csv`` is of
            another file; ``ffmpeg`` or ``worker`` where that was killed; ``unforeseen`` for a fault of ours.
        reason: one line, whatever line breaks a file's name brought along.
    """

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(stage, reason)
        self.stage = stage
        self.reason = " ".join(reason.split())

    def __str__(self) -> str:
        return f"{self.stage}: {self.reason}"


class NoFaceError(LipdataError):
    """A picture in which the detector finds no face."""


class FirstFailure(LipdataError):
    """A clip failed and the user asked to stop at the first that does."""
