"""The completion of bash for `herd`: commands, options, names of nodes, files and fixed words."""
from __future__ import annotations

import argparse
from collections.abc import Mapping

HEAD = """\
# bash completion for herd, made by herd_pack from the command line of herd.

# Prints the names of the nodes in the configuration that the command line names.
_herd_nodes() {{
  local file=${{HERD_CONFIG:-{configuration}}} i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    if [[ ${{COMP_WORDS[i]}} == --config ]]; then file=${{COMP_WORDS[i + 1]}}; fi
  done
  awk '/^\\[/ {{node = /^\\[\\[node\\]\\]/}}
    node && /^name *= *"/ {{split($0, part, "\\""); print part[2]}}' "$file" 2>/dev/null
}}

# The words of the command before the cursor: sets `command` and, for commands with actions, `action`.
_herd_find_command() {{
  local i
  command='' action=''
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${{COMP_WORDS[i]}} in
      --config) ((++i)) ;;
      -*) ;;
      *) if [[ -z $command ]]; then command=${{COMP_WORDS[i]}}; else action=${{COMP_WORDS[i]}}; break; fi ;;
    esac
  done
}}

_herd() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} command action words=''
  _herd_find_command
  COMPREPLY=()
  # The value of an option.
  case "$command $before" in
"""
FOOT = """\
  esac
  if [[ -n $words ]]; then
    :
  elif [[ $word != -* ]]; then
    case $command in
      '') words='{commands}' ;;
{operands}
    esac
  else
    case "$command $action" in
{options}
      *) words='--config --help' ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -F _herd herd
"""
FILES = "mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); compopt -o filenames; return"


def script(commands: Mapping[str, argparse.ArgumentParser], configuration: str) -> str:
    values = [f"    *' --config') {FILES} ;;"]
    operands, options = [], []
    for name, parser in commands.items():
        for action in parser._actions:
            if action.option_strings and action.nargs != 0:
                names = "|".join(f"'{name} {option}'" for option in action.option_strings if option != "--config")
                if names:
                    values.append(f"    {names}) {_value(action)} ;;")
        words = _operands(parser)
        if words:
            operands.append(f"      {name}) {words} ;;")
        actions = _actions(parser)
        for word, child in actions.items():
            options.append(f"      '{name} {word}') words='{_options(child)}' ;;")
        options.append(f"      '{name} '*) words='{_options(parser)}' ;;")
    return (HEAD.format(configuration=configuration) + "\n".join(values) + "\n"
            + FOOT.format(commands=" ".join(commands), operands="\n".join(operands), options="\n".join(options)))


def _actions(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _value(action: argparse.Action) -> str:
    """What to do for the value of an option."""
    if action.choices:
        return f"words='{' '.join(map(str, action.choices))}'"
    if action.metavar == "NODE":
        return 'words=$(_herd_nodes)'
    return FILES if action.metavar in ("FILE", "PROGRAM") else "return"


def _operands(parser: argparse.ArgumentParser) -> str:
    actions = _actions(parser)
    if actions:
        return f"if [[ -z $action ]]; then words='{' '.join(actions)}'; else return; fi"
    for action in parser._actions:
        if not action.option_strings:
            return _value(action) if action.metavar in ("NODE", "FILE") or action.choices else "return"
    return "return"


def _options(parser: argparse.ArgumentParser) -> str:
    return " ".join(option for action in parser._actions for option in action.option_strings
                    if option.startswith("--"))
