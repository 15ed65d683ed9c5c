// A valid update for tests, which set the fields that they are about.
#pragma once

#include <string>
#include <string_view>

#include "protocol/update.hpp"

namespace herd::bus {

using namespace std::chrono_literals;

// An update that Hill accepted. Its texts are views into literals and into `client`.
inline protocol::Update sample_update(std::string_view client, std::uint64_t number = 1) {
  protocol::Update update;
  update.id = {"Hill", 7, number};
  update.client = client;
  update.coordinates = "+1-2";
  update.time_text = "5";
  update.time = 5s;
  update.difference = 1ns;
  return update;
}

}  // namespace herd::bus
