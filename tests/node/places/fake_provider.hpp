// A provider for tests. The test decides whether it answers, fails or hangs, and whether it does so at once or in
// poll().
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "node/places/provider.hpp"

namespace herd::node::places::testing {

// The state that the test reads and changes. The chain or the worker owns the provider itself.
struct FakeScript {
  std::optional<Status> status;  // of every answer; nullopt: it never answers
  bool at_once = false;          // otherwise poll() returns the answer
  std::string document;
  std::string trouble = "it does not work";
  std::optional<Stale> stale;
  Figures figures;
  std::vector<LookupId> asked;
  std::vector<protocol::Nanoseconds> deadlines;
  std::vector<LookupId> forgotten;
  std::deque<LookupResult> to_find;
};

class FakeProvider final : public Provider {
 public:
  explicit FakeProvider(std::shared_ptr<FakeScript> script) : script_(std::move(script)) {}

  [[nodiscard]] std::string_view name() const override { return "fake"; }

  [[nodiscard]] std::optional<LookupResult> ask(LookupId lookup, const Query& /*query*/, protocol::Nanoseconds deadline,
                                                const protocol::Now& /*now*/) override {
    script_->asked.push_back(lookup);
    script_->deadlines.push_back(deadline);
    if (!script_->status) return std::nullopt;
    LookupResult result{lookup, *script_->status, script_->document, script_->trouble, script_->stale};
    if (script_->at_once) return result;
    script_->to_find.push_back(std::move(result));
    return std::nullopt;
  }

  void forget(LookupId lookup) override { script_->forgotten.push_back(lookup); }

  [[nodiscard]] std::optional<LookupResult> poll() override {
    if (script_->to_find.empty()) {
      return std::nullopt;
    }
    LookupResult result = std::move(script_->to_find.front());
    script_->to_find.pop_front();
    return result;
  }

  [[nodiscard]] const Figures& figures() const override { return script_->figures; }

 private:
  std::shared_ptr<FakeScript> script_;
};

inline std::shared_ptr<FakeScript> script(std::optional<Status> status, std::string document = "") {
  auto made = std::make_shared<FakeScript>();
  made->status = status;
  made->document = std::move(document);
  return made;
}

inline Providers providers_of(const std::vector<std::shared_ptr<FakeScript>>& scripts) {
  Providers providers;
  for (const auto& each : scripts) {
    providers.push_back(std::make_unique<FakeProvider>(each));
  }
  return providers;
}

}  // namespace herd::node::places::testing
