"""What a user is told in one line, and the exit status that goes with it."""

BAD_USAGE = 2
SOME_DOWN = 3
NONE_RUNNING = 4


class Trouble(Exception):
    def __init__(self, text, status=1):
        super().__init__(text)
        self.status = status
