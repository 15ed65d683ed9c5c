"""Where this program runs: in a source tree, or installed below a prefix (the Debian package, `cmake --install`).

The installed files are those of the source tree, in which CMakeLists.txt writes `herd` for `scripts/herd`."""
import pathlib

LIBRARY = pathlib.Path(__file__).resolve().parents[1]
ROOT = LIBRARY.parents[1]  # the source tree, or the prefix
IS_INSTALLED = LIBRARY.parts[-2:] == ("share", "herd")  # the source tree has scripts/lib


# Below the prefix /usr, configuration and state are in /etc and /var.
_TOP = pathlib.Path("/") if ROOT == pathlib.Path("/usr") else ROOT
PROGRAM = ROOT / ("bin/herd-node" if IS_INSTALLED else "build/release/bin/herd-node")
CONFIGURATION = _TOP / "etc/herd/herd.toml" if IS_INSTALLED else ROOT / "conf/herd.toml"
STATE = _TOP / "var/lib/herd"  # only of an installed herd
SHOWN_CONFIGURATION = str(CONFIGURATION) if IS_INSTALLED else str(CONFIGURATION.relative_to(ROOT))
MISSING_PROGRAM = "install herd again" if IS_INSTALLED else "run scripts/herd up"
MISSING_SUPERVISOR = ("install Debian's supervisor (apt-get install supervisor), or start herd where systemd runs"
                      if IS_INSTALLED else "run scripts/deps")
