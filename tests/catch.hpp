// Catch2 under the one name that both of its major versions answer to here: Debian 12 ships 2, Ubuntu 24.04 ships 3.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
