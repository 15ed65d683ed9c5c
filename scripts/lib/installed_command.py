#!/usr/bin/python3
"""The command COMMAND of an installed herd: PREFIX/bin/COMMAND, with its modules in PREFIX/share/herd."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "share/herd"))

from herd_ctl.__main__ import main  # noqa: E402

sys.exit(main())
