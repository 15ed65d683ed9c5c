#include "tests/bench/load/options.hpp"

#include <CLI/CLI.hpp>
#include <map>

namespace herd::bench {
namespace {

const std::map<std::string, Mode> kModes{
    {"iamat", Mode::kIamat},         {"whatsat", Mode::kWhatsat}, {"near", Mode::kNear},
    {"within", Mode::kWithin},       {"set", Mode::kSet},         {"geoadd", Mode::kGeoadd},
    {"geosearch", Mode::kGeosearch}, {"geonear", Mode::kGeonear}, {"geobox", Mode::kGeobox},
    {"nats", Mode::kNats},           {"hop", Mode::kHop},         {"nats-hop", Mode::kNatsHop},
    {"watch-hop", Mode::kWatchHop}};

Target read_target(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) throw CLI::ValidationError("--to", "must be HOST:PORT, not " + text);
  Target target{text.substr(0, colon), 0};
  if (!CLI::detail::lexical_cast(text.substr(colon + 1), target.port) || target.port == 0) {
    throw CLI::ValidationError("--to", "must end with a port, not " + text.substr(colon + 1));
  }
  return target;
}

void check_together(const Options& options) {
  const bool asks = options.mode == Mode::kWhatsat || options.mode == Mode::kGeosearch;
  if (asks && options.points.empty()) throw CLI::ValidationError("--points", "is needed in this mode");
  const bool asks_fleet = options.mode == Mode::kNear || options.mode == Mode::kWithin ||
                          options.mode == Mode::kGeonear || options.mode == Mode::kGeobox;
  if ((asks_fleet || options.watches > 0) && options.cities == 0) {
    throw CLI::ValidationError("--cities", "is needed in this mode, and with --watches");
  }
  if (options.in_cities > options.clients) throw CLI::ValidationError("--in-cities", "is greater than --clients");
  const bool hops = options.mode == Mode::kHop || options.mode == Mode::kNatsHop || options.mode == Mode::kWatchHop;
  if (hops && options.targets.size() != 2) {
    throw CLI::ValidationError("--to", "must be given twice for hops: the node for reports, then the node for queries");
  }
  const bool nats = options.mode == Mode::kNats || options.mode == Mode::kNatsHop;
  if (options.targets.front().tls && nats) throw CLI::ValidationError("--tls", "does not go with nats");
  if (options.publish_to > options.targets.size())
    throw CLI::ValidationError("--publish-to", "is greater than the number of --to");
}

void describe(CLI::App& app, Options& options, std::vector<std::string>& targets, bool& tls) {
  app.add_option_function<std::string>(
         "MODE", [&options](const std::string& name) { options.mode = kModes.at(name); },
         "iamat, whatsat, near, within, set, geoadd, geosearch, geonear, geobox, nats, hop, nats-hop or watch-hop")
      ->required()
      ->check(CLI::IsMember(kModes).description(""))
      ->type_name("");
  app.add_option("--to", targets, "Servers; connections are distributed over them in turn")
      ->required()
      ->type_name("HOST:PORT");
  app.add_flag("--tls", tls, "Speak TLS; the server's certificate is not checked");
  app.add_option("--pid", options.pids, "Server processes, to measure their processor time");
  app.add_option("--connections", options.connections)->check(CLI::Range(1, 20'000))->capture_default_str();
  app.add_option("--depth", options.depth, "Requests in flight on each connection")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--clients", options.clients, "Number of different client ids")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  app.add_option("--client-base", options.client_base, "The first client id")->check(CLI::Range(0, 89'999'999));
  app.add_option("--id-bytes", options.id_bytes, "Length of each client id")
      ->check(CLI::Range(13, 40))
      ->capture_default_str();
  app.add_option("--rate", options.rate, "The most requests per second")->check(CLI::PositiveNumber);
  app.add_option("--publish-to", options.publish_to, "nats: publish to this number of the servers")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "Seconds of measurement")
      ->check(CLI::Range(0.05, 3600.0))
      ->capture_default_str();
  app.add_option("--warm-up", options.warm_up, "Seconds before the measurement")
      ->check(CLI::Range(0.0, 60.0))
      ->capture_default_str();
  app.add_option("--count", options.count, "Number of requests, all measured, instead of --seconds");
  app.add_option("--points", options.points, "A file with lines of latitude and longitude to query")
      ->check(CLI::ExistingFile);
  app.add_option("--radius", options.radius, "Radius of a query in kilometres")
      ->check(CLI::Range(0, 50))
      ->capture_default_str();
  app.add_option("--results", options.results, "The most results of a query")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--cities", options.cities, "Clients move as a fleet with this number of cities")
      ->check(CLI::Range(1, 10'000));
  app.add_option("--in-cities", options.in_cities, "Clients of the fleet that are in cities");
  app.add_option("--watches", options.watches, "Circles of --radius that are watched at the same time")
      ->check(CLI::Range(0, 1'000'000));
  app.add_option("--watchers", options.watchers, "Connections that watch all clients at the same time")
      ->check(CLI::Range(0, 20'000));
  app.add_option("--wait", options.wait, "set: WAIT for this number of replicas after each batch")
      ->check(CLI::Range(0, 9));
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, int& status) {
  CLI::App app{"Loads a server with requests, checks every reply and prints the measurements as JSON."};
  Options options;
  std::vector<std::string> targets;
  bool tls = false;
  describe(app, options, targets, tls);
  try {
    app.parse(argc, argv);
    for (const auto& text : targets) options.targets.push_back(read_target(text));
    for (Target& target : options.targets) target.tls = tls;
    check_together(options);
  } catch (const CLI::ParseError& error) {
    status = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  return options;
}

}  // namespace herd::bench
