"""Why a sweep stops before its end."""


class SweepStopped(Exception):
    """A sweep could not go on; the message says why, what is kept, and how to continue."""
