"""supervisord as scripts/herd runs it: `python3 -m herd_ctl.supervisord -c FILE`.

The only difference is the wait before a node is started again. The original waits a second longer after each quick
failure and gives up after some of them. A node that fails later than after a second it starts again at once, without
end. Here the first failure costs no wait. Those that follow wait 1, 2, 4 and 8 s, then 10 s each time, for as long as
the node is wanted. A minute without failure starts the count anew. docs/decisions has the reasons."""
import sys
import time

from supervisor import supervisord
from supervisor.process import Subprocess
from supervisor.states import ProcessStates

GOOD_SECONDS = 60.0    # a process that ran for so long starts the count of failures anew
LONGEST_WAIT = 10.0    # seconds: an operator who has made room on a disk sees the node come back
FAILED = (ProcessStates.BACKOFF, ProcessStates.EXITED)


def wait_after(failures: int) -> float:
    """Seconds before the next start, after so many failures in a row."""
    return 0.0 if failures <= 1 else min(2.0 ** min(failures - 2, 10), LONGEST_WAIT)


class Retry:
    """The failures of one process. The clock is monotonic: a change of the time of day changes nothing."""

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
            self.backoff, self.delay = 0, 0  # never enough of them to give up; the wait is the one above
        return result

    def passed(self: Subprocess) -> None:
        if self.state not in FAILED or time.monotonic() >= retry_of(self).next_start:
            transition(self)

    Subprocess.change_state, Subprocess.transition = changed, passed


if __name__ == "__main__":
    install()
    sys.exit(supervisord.main())
