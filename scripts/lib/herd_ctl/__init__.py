"""The operator's commands of scripts/herd, on top of supervisord. The list of nodes comes from `herd-node --list`."""
