// Names that differ between a source tree and an installed herd. The build of a package defines them (CMakeLists.txt).
#pragma once

// The operator's command, in messages.
#ifndef HERD_COMMAND
#define HERD_COMMAND "scripts/herd"
#endif

// The configuration that herd-node reads without --config.
#ifndef HERD_CONFIGURATION
#define HERD_CONFIGURATION "conf/herd.toml"
#endif
