// Links the library without TLS.
#include <herd/client.hpp>

int main() {
  try {
    herd::Client client(herd::Options{});
  } catch (const herd::Error& error) {
    return error.kind() == herd::ErrorKind::Argument ? 0 : 1;
  }
  return 1;
}
