"""Makes the files of an installed herd from those of the source tree. conf/install.cmake runs it."""
