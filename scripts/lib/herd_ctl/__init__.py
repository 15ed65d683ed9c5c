"""scripts/herd: a thin shell over supervisord. The nodes come from `herd-node --list` alone."""
