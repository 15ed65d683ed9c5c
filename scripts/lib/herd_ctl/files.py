"""Writing files so that a crash leaves the old or the new content, never a part of either."""
from __future__ import annotations

import os
import pathlib
import shutil
import stat


def replace(path: pathlib.Path, text: str, *, keep: bool = False, mode: int = 0o600) -> None:
    """Writes the text to a new file and renames it to `path`. With `keep` the old content stays as `NAME.bak`. An
    existing file retains its permissions; a new one gets `mode`. A device or a pipe cannot be replaced and is written
    to. After an OSError the old content is unchanged. A path must have one writer at a time."""
    path = pathlib.Path(os.path.realpath(path))  # a symbolic link stays a link
    try:
        status = os.stat(path)
    except FileNotFoundError:
        status = None
    if status is not None and not stat.S_ISREG(status.st_mode):
        path.write_text(text, encoding="utf-8")
        return
    if status is not None and keep:
        _copy(path, path.with_name(path.name + ".bak"))
    fresh = path.with_name(path.name + ".new")
    try:
        with open(fresh, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode if status is None else stat.S_IMODE(status.st_mode))
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # else the new file may be empty after a power cut
        os.replace(fresh, path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def end_of(path: pathlib.Path, most_bytes: int) -> bytes:
    """The last bytes of the file; empty if it cannot be read."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - most_bytes))
            return file.read(most_bytes)
    except OSError:
        return b""


def sync_directory(path: pathlib.Path) -> None:
    """After this the renames in the directory survive a power cut, in their order."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy(source: pathlib.Path, target: pathlib.Path) -> None:
    fresh = target.with_name(target.name + ".new")
    try:
        shutil.copy2(source, fresh)
        os.replace(fresh, target)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
