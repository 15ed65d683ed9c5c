// Includes Catch2 of either major version: Debian 12 ships version 2, Ubuntu 24.04 ships version 3.
#pragma once

#define CATCH_CONFIG_FAST_COMPILE  // of version 2: smaller code for each check

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
