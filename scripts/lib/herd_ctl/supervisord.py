"""supervisord as scripts/herd runs it: `python3 -m herd_ctl.supervisord -c FILE`.

The only difference is the wait before a node is started again. The original waits a second longer after each failure
within a second of the start, and gives up after some of them; after a later failure it starts the node again at once.
Here the first failure costs no wait. The next ones cost 1, 2, 4 and 8 s, then 10 s each time, as long as the node is
wanted. A minute without failure resets the count. docs/decisions/0019-supervision.md has the reasons."""
import sys
import time

from supervisor import supervisord
from supervisor.process import Subprocess
from supervisor.states import ProcessStates

GOOD_SECONDS = 60.0    # a process that ran for this long resets the count of failures
LONGEST_WAIT = 10.0    # seconds: an operator who frees disk space sees the node come back soon
FAILED = (ProcessStates.BACKOFF, ProcessStates.EXITED)


def wait_after(failures: int) -> float:
    """Seconds before the next start, after `failures` in a row."""
    return 0.0 if failures <= 1 else min(2.0 ** min(failures - 2, 10), LONGEST_WAIT)


class Retry:
    """The failures of one process. Times are of the monotonic clock: a change of the time of day has no effect."""

    def __init__(self) -> None:
        self.failures = 0
        self.started = 0.0
        self.next_start = 0.0

    def start(self, now: float) -> None:
        self.started = now

    def fail(self, now: float) -> None:
        self.failures = 1 if now - self.started >= GOOD_SECONDS else self.failures + 1
        self.next_start = now + wait_after(self.failures)


def install() -> None:
    """Replaces two methods of supervisord's processes."""
    change_state, transition = Subprocess.change_state, Subprocess.transition

    def retry_of(process: Subprocess) -> Retry:
        if not hasattr(process, "herd_retry"):
            process.herd_retry = Retry()
        return process.herd_retry

    def changed(self: Subprocess, new_state: int, expected: bool = True) -> object:
        result = change_state(self, new_state, expected)
        if new_state == ProcessStates.STARTING:
            retry_of(self).start(time.monotonic())
        elif new_state in FAILED:
            retry_of(self).fail(time.monotonic())
            self.backoff, self.delay = 0, 0  # so that supervisord never gives up; its own wait is not used
        return result

    def passed(self: Subprocess) -> None:
        if self.state not in FAILED or time.monotonic() >= retry_of(self).next_start:
            transition(self)

    Subprocess.change_state, Subprocess.transition = changed, passed


if __name__ == "__main__":
    install()
    sys.exit(supervisord.main())
