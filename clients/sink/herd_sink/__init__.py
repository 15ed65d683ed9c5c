"""herd-sink: writes the changes of a herd to PostgreSQL, or as lines of JSON. docs/SINK.md explains
it."""
