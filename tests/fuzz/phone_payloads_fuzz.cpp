// A payload of a phone with any bytes. The first byte chooses the app; the rest is the body or the parameters. Each
// report becomes a line that is a valid IAMAT, the reports are in the order of time, and the bounds hold.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "node/api/osmand.hpp"
#include "node/api/owntracks.hpp"
#include "node/api/phone_client.hpp"
#include "protocol/assert.hpp"
#include "protocol/command.hpp"

using namespace herd;
using namespace herd::node::api;

namespace {

PhonePayload read(std::uint8_t app, std::string_view text) {
  switch (app % 4) {
    case 0:
      return read_owntracks(text, {});
    case 1:
      return read_owntracks(text, {text.substr(0, 8), "phone"});
    case 2:
      return read_traccar(text);
    default:
      return read_osmand({text.substr(0, text.size() / 2), text.substr(text.size() / 2)}, std::chrono::seconds(5));
  }
}

void check_report(const PhoneReport& report) {
  const auto client = client_of(report.id, nullptr);
  if (!client) HERD_ASSERT(client.error().status == 400 && !client.error().reason.empty());
  const std::string line = "IAMAT " + client.value_or("none") + " " + report.coordinates + " " + report.time;
  const protocol::Command command = protocol::parse_command(line);
  const auto* iamat = std::get_if<protocol::Iamat>(&command);
  HERD_ASSERT(iamat != nullptr && iamat->time == report.at && iamat->client == client.value_or("none"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const PhonePayload payload = read(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  HERD_ASSERT(payload.reports.size() + payload.dropped.size() <= kMaxPhoneMessages);
  HERD_ASSERT(!payload.refusal || (payload.reports.empty() && payload.refusal->status >= 400));
  protocol::Nanoseconds latest{};
  for (const PhoneReport& report : payload.reports) {
    check_report(report);
    HERD_ASSERT(report.at >= latest);
    latest = report.at;
  }
  for (const PhoneDropped& dropped : payload.dropped) HERD_ASSERT(!dropped.reason.empty());
  return 0;
}
