"""The documentation as a site: what scripts/docs adds to mkdocs, and its checks. tests/lint/docs.py uses them too."""
