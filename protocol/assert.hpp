// HERD_ASSERT: what must hold if the code is right. It stays on in release builds, because a node that goes on after a
// broken invariant could acknowledge what it does not hold. Never use it on input: bad input is a value (result.hpp).
#pragma once

#include <cstdio>
#include <cstdlib>

#define HERD_ASSERT(condition)                                                               \
  do {                                                                                       \
    if (!(condition)) [[unlikely]] {                                                         \
      std::fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
