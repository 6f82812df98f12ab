"""The request to stop a job of several nodes. Apart, because its process needs nothing else."""


class StopRequest:
    """The request to stop. As an actor, it is the same for the ranks on all nodes."""

    def __init__(self) -> None:
        self.made = False

    def make(self) -> None:
        """Makes the request."""
        self.made = True

    def is_made(self) -> bool:
        """Returns whether the request was made."""
        return self.made
