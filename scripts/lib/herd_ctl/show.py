"""What goes to the terminal: tables, and text of strangers made harmless."""
import os


def safe(text):
    """The text with all that could steer a terminal as \\xNN."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    return "".join(char if char.isprintable() else "".join(f"\\x{byte:02x}" for byte in os.fsencode(char))
                   for char in text)


def table(head, rows, right=()):
    """Lines of columns two spaces apart; columns named in `right` are numbers."""
    rows = [[safe(str(cell)) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]

    def line(row):
        cells = [cell.rjust(width) if name in right else cell.ljust(width)
                 for name, cell, width in zip(head, row, widths)]
        return "  ".join(cells).rstrip()

    return "\n".join(line(row) for row in [head, *rows])


def shorten(text, width):
    return text if len(text) <= width else text[:width - 1] + "…"


def duration(seconds):
    """Two units at most: 4s, 3m12s, 2h05m, 3d04h."""
    seconds = int(seconds)
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02}s"
    if seconds < 86400:
        return f"{seconds // 3600}h{seconds // 60 % 60:02}m"
    return f"{seconds // 86400}d{seconds // 3600 % 24:02}h"
