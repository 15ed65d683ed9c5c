#include "tests/bench/load/options.hpp"

#include <CLI/CLI.hpp>
#include <map>

namespace herd::bench {
namespace {

const std::map<std::string, Mode> kModes{
    {"iamat", Mode::kIamat},         {"whatsat", Mode::kWhatsat}, {"set", Mode::kSet}, {"geoadd", Mode::kGeoadd},
    {"geosearch", Mode::kGeosearch}, {"nats", Mode::kNats},       {"hop", Mode::kHop}, {"nats-hop", Mode::kNatsHop}};

Target read_target(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) throw CLI::ValidationError("--to", "wants HOST:PORT, not " + text);
  Target target{text.substr(0, colon), 0};
  if (!CLI::detail::lexical_cast(text.substr(colon + 1), target.port) || target.port == 0) {
    throw CLI::ValidationError("--to", "wants a port, not " + text.substr(colon + 1));
  }
  return target;
}

void check_together(const Options& options) {
  const bool asks = options.mode == Mode::kWhatsat || options.mode == Mode::kGeosearch;
  if (asks && options.points.empty()) throw CLI::ValidationError("--points", "is needed in this mode");
  const bool hops = options.mode == Mode::kHop || options.mode == Mode::kNatsHop;
  if (hops && options.targets.size() != 2) {
    throw CLI::ValidationError("--to", "hops want two: the node that is told, and the one that is asked");
  }
  if (options.publish_to > options.targets.size()) throw CLI::ValidationError("--publish-to", "is more than --to");
}

void describe(CLI::App& app, Options& options, std::vector<std::string>& targets) {
  app.add_option_function<std::string>(
         "MODE", [&options](const std::string& name) { options.mode = kModes.at(name); },
         "iamat, whatsat, set, geoadd, geosearch, nats, hop or nats-hop")
      ->required()
      ->check(CLI::IsMember(kModes).description(""))
      ->type_name("");
  app.add_option("--to", targets, "Servers, connections are dealt out to them in turn")
      ->required()
      ->type_name("HOST:PORT");
  app.add_option("--pid", options.pids, "Server processes whose CPU is read before and after");
  app.add_option("--connections", options.connections)->check(CLI::Range(1, 20'000))->capture_default_str();
  app.add_option("--depth", options.depth, "Requests in flight on each")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--clients", options.clients, "Ids cycle through so many")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  app.add_option("--client-base", options.client_base, "The first id")->check(CLI::Range(0, 89'999'999));
  app.add_option("--id-bytes", options.id_bytes, "Of each id")->check(CLI::Range(13, 40))->capture_default_str();
  app.add_option("--rate", options.rate, "So many requests a second at most")->check(CLI::PositiveNumber);
  app.add_option("--publish-to", options.publish_to, "nats: so many of the servers are published to")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "Measured")->check(CLI::Range(0.05, 3600.0))->capture_default_str();
  app.add_option("--warm-up", options.warm_up, "Seconds before that")
      ->check(CLI::Range(0.0, 60.0))
      ->capture_default_str();
  app.add_option("--count", options.count, "So many requests, all counted, instead of --seconds");
  app.add_option("--points", options.points, "Lines of latitude and longitude to ask about")->check(CLI::ExistingFile);
  app.add_option("--radius", options.radius, "Kilometres")->check(CLI::Range(0, 50))->capture_default_str();
  app.add_option("--results", options.results, "At most")->check(CLI::Range(0, 20))->capture_default_str();
  app.add_option("--wait", options.wait, "set: WAIT for so many replicas after each batch")->check(CLI::Range(0, 9));
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, int& status) {
  CLI::App app{"Loads a server with requests, checks every reply and says how it went, as JSON on standard output."};
  Options options;
  std::vector<std::string> targets;
  describe(app, options, targets);
  try {
    app.parse(argc, argv);
    for (const auto& text : targets) options.targets.push_back(read_target(text));
    check_together(options);
  } catch (const CLI::ParseError& error) {
    status = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  return options;
}

}  // namespace herd::bench
