#include "node/clients/commands.hpp"

#include <string>

#include "tests/catch.hpp"
#include "tests/node/captured_log.hpp"
#include "tests/node/one_node.hpp"

using namespace herd::node;

namespace {

struct Asker {
  OneNode node;
  ClientWarnings warnings;
  Asking asking{node.replica.store(), node.clock};
  CommandFigures figures;
  Commands commands{{node.replica, node.config, node.counters, figures.counts, warnings, node.clock, asking}};
  BufferPool buffers;
  ReplyQueue replies{buffers, figures.times};
  std::optional<Lookup> lookup;
  Authenticator authenticator{node.counters};
  Caller caller{.access = Access(authenticator, 0), .max_line_bytes = 1024};

  // The bytes that are ready to be sent after the line.
  std::string reply_to(const std::string& line) {
    const Outstanding outstanding = commands.execute(Line(line, "127.0.0.1:1"), caller, replies);
    lookup.reset();
    if (const auto* begun = std::get_if<Lookup>(&outstanding)) lookup = *begun;
    std::string ready(replies.ready_bytes());
    replies.sent(ready.size());
    return ready;
  }
};

}  // namespace

TEST_CASE("a newer report is stored and answered with AT") {
  Asker asker;
  CHECK(asker.reply_to(kIamat) == kAt);
  CHECK(asker.node.replica.find("kiwi")->coordinates == "+34.068930-118.445127");
  CHECK(asker.reply_to("IAMAT kiwi +1+2 1520023934.000000001") ==
        "AT Hill +0.499999999 kiwi +1+2 1520023934.000000001\n");
  CHECK(asker.node.counters.iamat_stored == 2);
}

TEST_CASE("an exact duplicate is answered with IGNORE") {
  Asker asker;
  CHECK(asker.reply_to(kIamat) == kAt);
  CHECK(asker.reply_to(kIamat) == "IGNORE\n");
  CHECK(asker.reply_to("  " + kIamat + " ") == "IGNORE\n");
  CHECK(asker.node.counters.iamat_duplicate == 2);
}

TEST_CASE("the same time with another text is not a duplicate, and not newer") {
  Asker asker;
  CHECK(asker.reply_to("IAMAT kiwi +1+2 5").starts_with("AT Hill +"));
  CHECK(asker.reply_to("IAMAT kiwi +1+2 5.0").ends_with(" kiwi +1+2 5.0\n"));
  CHECK(asker.reply_to("IAMAT kiwi +1+3 5").ends_with(" kiwi +1+3 5\n"));
  CHECK(asker.reply_to("IAMAT kiwi +1+3 4").ends_with(" kiwi +1+3 4\n"));
  CHECK(asker.node.counters.iamat_not_newer == 3);
  CHECK(asker.node.replica.find("kiwi")->time_text == "5");
  CHECK(asker.node.replica.find("kiwi")->coordinates == "+1+2");
}

TEST_CASE("a time up to max_future ahead is accepted, and one nanosecond more is an invalid argument") {
  Asker asker;
  asker.node.config.max_future = std::chrono::seconds(300);
  CHECK(asker.reply_to("IAMAT kiwi +1+2 1520024234.5") == "AT Hill -300.000000000 kiwi +1+2 1520024234.5\n");
  CHECK(asker.reply_to("IAMAT kiwi +1+2 1520024234.500000001").empty());
  CHECK(asker.node.counters.invalid_arguments == 1);
  CHECK(asker.node.replica.find("kiwi")->time_text == "1520024234.5");
}

TEST_CASE("invalid arguments get no reply by default, and a copy of the line if so configured, also after a reload") {
  Asker asker;
  CHECK(asker.reply_to("IAMAT kiwi +91+2 5").empty());
  CHECK(asker.reply_to("WHATSAT kiwi 51 5").empty());
  asker.node.config.invalid_arguments = InvalidArgumentsPolicy::Reply;
  CHECK(asker.reply_to("IAMAT  kiwi +91+2 5") == "? IAMAT  kiwi +91+2 5\n");
  CHECK(asker.node.counters.invalid_arguments == 3);
  CHECK(asker.node.counters.whatsat == 0);
}

TEST_CASE("a line that is no command is answered with `? ` and a copy, and a blank line gets no reply") {
  Asker asker;
  CHECK(asker.reply_to("AT Hill +1 kiwi +1+2 5") == "? AT Hill +1 kiwi +1+2 5\n");
  CHECK(asker.reply_to("IAMAT\x01 ") == "? IAMAT\\x01 \n");
  CHECK(asker.node.counters.unknown_commands == 2);
  CHECK(asker.reply_to(" \t").empty());
  CHECK(asker.reply_to("").empty());
  CHECK(asker.node.counters.unknown_commands == 2);
}

TEST_CASE("WHATSAT for an unknown client is answered with `? ` and a copy") {
  Asker asker;
  CHECK(asker.reply_to("WHATSAT kiwi 10 5") == "? WHATSAT kiwi 10 5\n");
  CHECK_FALSE(asker.lookup);
  CHECK(asker.node.counters.unknown_commands == 0);
  CHECK(asker.node.counters.whatsat == 1);
}

TEST_CASE("WHATSAT checks its arguments before it looks for the client") {
  Asker asker;
  CHECK(asker.reply_to("WHATSAT plum 10 21").empty());
  CHECK(asker.node.counters.invalid_arguments == 1);
}

TEST_CASE("WHATSAT looks up places around the newest record, and repeats the AT line of its origin") {
  Asker asker;
  CHECK(asker.reply_to(kIamat) == kAt);
  asker.node.now.wall += std::chrono::seconds(7);
  CHECK(asker.reply_to("WHATSAT kiwi 10.5 5").empty());
  REQUIRE(asker.lookup);
  CHECK(asker.lookup->query.latitude == 34.068930);
  CHECK(asker.lookup->query.longitude == -118.445127);
  CHECK(asker.lookup->query.radius_km == 10.5);
  CHECK(asker.lookup->query.max == 5);
  asker.replies.fill(asker.lookup->slot, kDocument, kAfterDocument);
  CHECK(asker.replies.ready_bytes() == kAt + kDocument + "\n\n");
}

TEST_CASE("WHATSAT with max 0 needs no lookup: the document has no results and status OK") {
  Asker asker;
  CHECK(asker.reply_to(kIamat) == kAt);
  CHECK(asker.reply_to("WHATSAT kiwi 10 0") == kAt + kEmptyDocument + "\n\n");
  CHECK_FALSE(asker.lookup);
}

TEST_CASE("an invalid argument is logged with its reason, escaped, at a limited rate") {
  CapturedLog log;
  Asker asker;
  asker.reply_to("IAMAT k\xC3\xBC\t+91+2 5");
  CHECK(log.text() ==
        "warning event=invalid_arguments from=127.0.0.1:1 reason=\"latitude is not within -90 and +90\" "
        "text=IAMAT k\\xc3\\xbc\\x09+91+2 5\n");
  for (int times = 0; times < 1000; ++times) {
    asker.reply_to("IAMAT kiwi +91+2 5");
  }
  CHECK(log.count("event=invalid_arguments") == static_cast<std::size_t>(kWarningsBurst));
  CHECK(asker.node.counters.invalid_arguments == 1001);
}

TEST_CASE("at max_clients a new client is refused, and known clients are accepted") {
  CapturedLog log;
  Asker asker;
  asker.node.config.max_clients = 2;
  CHECK_FALSE(asker.reply_to("IAMAT kiwi +1+2 5").empty());
  CHECK_FALSE(asker.reply_to("IAMAT plum +1+2 5").empty());
  CHECK(asker.reply_to("IAMAT pear +1+2 5").empty());
  CHECK(asker.node.counters.clients_refused == 1);
  CHECK(asker.node.counters.invalid_arguments == 0);
  CHECK(log.text() ==
        "warning event=client_refused from=127.0.0.1:1 reason=\"max_clients is reached, and this client is new\" "
        "text=IAMAT pear +1+2 5\n");
  CHECK(asker.reply_to("IAMAT kiwi +1+2 5") == "IGNORE\n");
  CHECK(asker.reply_to("IAMAT plum +1+2 6").starts_with("AT Hill "));
  CHECK(asker.reply_to("WHATSAT pear 1 0") == "? WHATSAT pear 1 0\n");
  asker.node.config.invalid_arguments = InvalidArgumentsPolicy::Reply;
  CHECK(asker.reply_to("IAMAT  pear +1+2 5") == "? IAMAT  pear +1+2 5\n");
  asker.node.config.max_clients = 3;
  CHECK(asker.reply_to("IAMAT pear +1+2 5").starts_with("AT Hill "));
}

TEST_CASE("every command and reply is logged at debug level only") {
  Asker asker;
  {
    CapturedLog log;
    asker.reply_to(kIamat);
    CHECK(log.text().empty());
  }
  CapturedLog log(spdlog::level::debug);
  asker.reply_to(kIamat);
  CHECK(log.text() == "debug event=command from=127.0.0.1:1 text=" + kIamat +
                          "\ndebug event=reply to=127.0.0.1:1 text=IGNORE\\x0a\n");
}
