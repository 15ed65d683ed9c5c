"""Renders texts of the source tree for an installed herd: Python modules, configuration, units and documents."""
from __future__ import annotations

import dataclasses
import pathlib
import re
import shutil

# The folders of the modules that are installed, and the modules with the function main() of the commands.
MODULES = {"herd_ctl": "scripts/lib", "herd_lab": "scripts/lib", "herd_client": "clients/python",
           "herd_sink": "clients/sink"}
COMMANDS = {"herd": "herd_ctl.__main__", "herd-sink": "herd_sink.main"}
LEFT_OUT = re.compile(r"bench")  # they need programs and texts of the source tree
DOCUMENTS = ("ASKING", "DASHBOARD", "GLOSSARY", "HOSTS", "HTTP", "INSTALLING", "KUBERNETES", "MONITORING", "PHONES",
             "PLACES", "PROTOCOL", "RELIABILITY", "RUNBOOK", "SECURITY", "SINK", "TOOLS", "WRITING-A-CLIENT")
# A section of a document that is left out, because an installed herd has no source tree.
SOURCE_TREE = re.compile(r"^## [^\n]* source tree\n.*?(?=^## )", re.M | re.S)
HEAD = "# The configuration of a herd: five nodes on one host.\n"
INSTALLED_HEAD = HEAD + """\
#
# This is the file of the package. `herd init` writes one with other nodes, docs/HOSTS.md one for several hosts.
"""


@dataclasses.dataclass(frozen=True)
class Places:
    prefix: pathlib.Path
    sysconf: pathlib.Path
    state: pathlib.Path   # of the nodes

    @property
    def configuration(self) -> pathlib.Path:
        return self.sysconf / "herd/herd.toml"

    @property
    def documents(self) -> pathlib.Path:
        return self.prefix / "share/doc/herd"

    def text(self, source: str) -> str:
        """The text with the command and the files of an installed herd."""
        named = re.sub(r"(?:\./)?scripts/herd\b", "herd", source)
        named = re.sub(r"(?<![\w/])clients/sink/herd-sink\b", "herd-sink", named)
        named = re.sub(r"(?<![\w/])conf/herd\.toml\b", str(self.documents / "examples/herd.toml"), named)
        names = "|".join(DOCUMENTS)
        return re.sub(rf"(?<![\w/])docs/({names})\.md\b", rf"{self.documents}/\1.md", named)


def render(source: pathlib.Path, output: pathlib.Path, places: Places) -> None:
    shutil.rmtree(output, ignore_errors=True)
    prefix = output / "prefix"
    for module, folder in MODULES.items():
        for path in sorted((source / folder / module).glob("*.py")):
            if not LEFT_OUT.match(path.name):
                _write(prefix / "share/herd" / module / path.name, places.text(_read(path)))
    for command, module in COMMANDS.items():
        text = _read(source / "scripts/lib/installed_command.py")
        _write(prefix / "bin" / command, text.replace("COMMAND", command).replace("herd_ctl.__main__", module))
        (prefix / "bin" / command).chmod(0o755)
    configuration = configuration_text(_read(source / "conf/herd.toml"), places)
    _write(output / "sysconf/herd/herd.toml", configuration)
    examples = prefix / "share/doc/herd/examples"
    _write(examples / "herd.toml", configuration)
    for folder in ("grafana", "prometheus"):
        shutil.copytree(source / "conf" / folder, examples / folder)
    for name in DOCUMENTS:
        document = SOURCE_TREE.sub("", _read(source / f"docs/{name}.md"))
        _write(prefix / f"share/doc/herd/{name}.md", places.text(document))
    _write(prefix / "share/doc/herd/CHANGELOG.md", places.text(_read(source / "CHANGELOG.md")))
    for name in ("herd@.service", "herd.target"):
        text = _read(source / "conf/systemd" / name)
        text = text.replace("@BINDIR@", str(places.prefix / "bin")).replace("@SYSCONFDIR@", str(places.sysconf))
        _write(prefix / "lib/systemd/system" / name, text)


def configuration_text(text: str, places: Places) -> str:
    """conf/herd.toml with the directories of an installed herd. Each replaced line must be there."""
    for old, new in ((HEAD, INSTALLED_HEAD),
                     ('state_dir = ""\n', f'state_dir = "{places.state}"\n'),
                     ('tokens = "tokens.toml"\n', f'tokens = "{places.state}/tokens.toml"\n')):
        if old not in text:
            raise SystemExit(f"herd_pack: conf/herd.toml has no line {old.strip()!r}: correct herd_pack/texts.py")
        text = text.replace(old, new, 1)
    return places.text(text)


def _read(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8")


def _write(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
