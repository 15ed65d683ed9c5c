#include "node/clients/client_warnings.hpp"

#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"

using namespace herd::node;
using namespace std::chrono_literals;

TEST_CASE("each kind of warning has its own limit, and the log states how many were suppressed") {
  CapturedLog log;
  ClientWarnings warnings;
  herd::protocol::Now now{1s, 1s};
  std::size_t allowed = 0;
  for (int times = 0; times < 1000; ++times) {
    allowed += warnings.allows(ClientWarning::InvalidArguments, now) ? 1 : 0;
  }
  CHECK(allowed == static_cast<std::size_t>(kWarningsBurst));
  CHECK(warnings.allows(ClientWarning::AcceptFailed, now));
  warnings.report_suppressed(now);
  CHECK(log.text().empty());
  now.steady += 1s;
  warnings.report_suppressed(now);
  warnings.report_suppressed(now);
  CHECK(log.text() == "warning event=warnings_suppressed kind=invalid_arguments count=950\n");
}
