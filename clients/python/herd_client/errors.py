"""The errors of this library. All of them are HerdError; each text says what is wrong, and then
what to do."""
from __future__ import annotations


class HerdError(Exception):
    """The base of all errors of this library."""


class Refused(HerdError):
    """The node refused the command, or dropped a report. Repeating it does not help."""

    def __init__(self, command: str, reason: str):
        """`reason` is the node's sentence, empty if it is not known any more."""
        super().__init__(
            f"the node refuses {command!r}: {reason or 'WHY after the command gives the reason'}"
        )
        self.command = command
        self.reason = reason


class NotAllowed(HerdError):
    """The node refuses the token."""


class Unavailable(HerdError):
    """No node answered in time. The command may or may not have been executed."""


class WatchEnded(HerdError):
    """The node ended the watch, and a new one would end in the same way."""

    def __init__(self, reason: str):
        """`reason` is the node's word, such as `too many`."""
        remedy = {"too many": "it has more members than the node allows: watch a smaller area"}
        super().__init__(
            f"the watch has ended ({reason}): {remedy.get(reason, 'see the log of the node')}"
        )
        self.reason = reason


class ConnectionLost(HerdError):
    """One connection failed. The library goes on at the next node, so programs see it only as a
    part of Unavailable."""
