#include "protocol/command.hpp"

#include <string>

#include "tests/catch.hpp"

using namespace herd::protocol;

namespace {

template <typename T>
bool is(const std::string& line) {
  return std::holds_alternative<T>(parse_command(line));
}

std::string reason_of(const std::string& line) {
  const Command command = parse_command(line);
  const auto* invalid = std::get_if<InvalidArguments>(&command);
  return invalid == nullptr ? "no invalid arguments" : std::string(invalid->reason);
}

const std::string kExample = "IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997";

std::string iamat_of(const std::string& client) {
  return "IAMAT " + client + " +34-118 5";
}

}  // namespace

TEST_CASE("the three texts of an IAMAT are exactly as they were sent") {
  const Command command = parse_command(kExample);
  const auto* iamat = std::get_if<Iamat>(&command);
  REQUIRE(iamat != nullptr);
  CHECK(iamat->client == "kiwi.cs.ucla.edu");
  CHECK(iamat->coordinates == "+34.068930-118.445127");
  CHECK(iamat->time_text == "1520023934.918963997");
  CHECK(iamat->time == Nanoseconds(1'520'023'934'918'963'997));
}

TEST_CASE("the number of blanks between fields does not change how a line is parsed") {
  const std::string longest(255, 'x');
  const std::string too_long(256, 'x');
  for (const std::string& client : {std::string("k"), std::string("kiwi.cs.ucla.edu"), std::string("caf\xC3\xA9"),
                                    std::string("\x80"), longest, too_long}) {
    for (const std::string place :
         {"+34.068930-118.445127", "+90-180", "-90.0+180.000", "+90.000000000000001-1", "+9-180.1", "+1+1x", "+1",
          "1+1", "+1-1+", "+123-1", "+1-1234", "+1.1234567890123456+1", "+1.+1", "+1+1."}) {
      for (const std::string time : {"0", "5.0", "9223372035.999999999", "9223372036", "12345678901", "5.",
                                     "5.1234567890", "-5", "5x", "1520023934.918963997"}) {
        const std::string one_blank = "IAMAT " + client + ' ' + place + ' ' + time;
        const std::string two_blanks = "IAMAT  " + client + "  " + place + "  " + time;
        const Command once = parse_command(one_blank);
        const Command twice = parse_command(two_blanks);
        INFO(one_blank);
        REQUIRE(once.index() == twice.index());
        if (const auto* one = std::get_if<Iamat>(&once)) {
          const auto& other = std::get<Iamat>(twice);
          REQUIRE(one->client == client);
          REQUIRE(one->coordinates == place);
          REQUIRE(one->time_text == time);
          REQUIRE(one->time == other.time);
        }
      }
    }
  }
}

TEST_CASE("WHATSAT has a client, a radius and a number of places") {
  const Command command = parse_command("WHATSAT kiwi.cs.ucla.edu 10.5 5");
  const auto* whatsat = std::get_if<Whatsat>(&command);
  REQUIRE(whatsat != nullptr);
  CHECK(whatsat->client == "kiwi.cs.ucla.edu");
  CHECK(whatsat->radius_km == 10.5);
  CHECK(whatsat->max == 5);
}

TEST_CASE("any amount of white space separates fields, also before the first and after the last") {
  CHECK(is<Iamat>("  IAMAT\t\tkiwi \v\f\r +34-118   5  "));
  CHECK(is<Whatsat>("\rWHATSAT\rkiwi\f1\v1\t"));
}

TEST_CASE("an empty or blank line is ignored") {
  CHECK(is<BlankLine>(""));
  CHECK(is<BlankLine>(" \t\r\f\v"));
}

TEST_CASE("a line is blank only if all its bytes are white space") {
  CHECK(is<UnknownCommand>(std::string(" \0 ", 3)));
  CHECK(is<UnknownCommand>(" \x7f"));
  CHECK(is<UnknownCommand>("\xff"));
}

TEST_CASE("command names must be in upper case") {
  CHECK(is<UnknownCommand>("iamat kiwi +34-118 5"));
  CHECK(is<UnknownCommand>("Iamat kiwi +34-118 5"));
  CHECK(is<UnknownCommand>("WHATSATS kiwi 1 1"));
  CHECK(is<UnknownCommand>("WHATSA kiwi 1 1"));
  CHECK(is<UnknownCommand>("HELLO a b c"));
}

TEST_CASE("the added commands have their operands") {
  CHECK(std::get<ClientPing>(parse_command("PING")).word.empty());
  CHECK(std::get<ClientPing>(parse_command("\tPING  a*b \r")).word == "a*b");
  CHECK(std::get<Help>(parse_command("HELP")).command.empty());
  CHECK(std::get<Help>(parse_command("HELP IAMAT")).command == "IAMAT");
  CHECK(is<Info>("INFO"));
  CHECK(is<Why>("WHY"));
  CHECK(is<Quit>(" QUIT "));
  for (const std::string line : {"PING a b", "INFO a", "HELP a b", "WHY a", "QUIT a", "ping", "QUITS", "PING \x01"}) {
    INFO(line);
    CHECK(is<UnknownCommand>(line));
  }
}

TEST_CASE("every line that begins with AUTH is one, and has a token only if it is well-formed") {
  CHECK(std::get<Auth>(parse_command("AUTH herd_1")).token == "herd_1");
  CHECK(std::get<Auth>(parse_command(" \tAUTH  x ")).token == "x");
  for (const std::string line : {"AUTH", "AUTH a b", "AUTH a\x01", "AUTH\x01", "AUTH a b c d e f"}) {
    INFO(line);
    CHECK(std::get<Auth>(parse_command(line)).token.empty());
    CHECK(is_secret(line));
  }
  CHECK(is<UnknownCommand>("AUTHX a"));
  CHECK(is<HttpLine>("AUTH /a HTTP/1.1"));
  CHECK_FALSE(is_secret("AUTHX a"));
  CHECK_FALSE(is_secret("PING AUTH"));
  CHECK_FALSE(is_secret(""));
}

TEST_CASE("the reason why a line is no command is given") {
  const auto reason = [](const std::string& line) { return std::get<UnknownCommand>(parse_command(line)).reason; };
  CHECK(reason("foo") == "unknown command: HELP lists the commands");
  CHECK(reason("AT a b c d e") == "unknown command: HELP lists the commands");
  CHECK(reason("IAMAT a") == "wrong number of operands: HELP shows the grammar");
  CHECK(reason("PING a b") == "wrong number of operands: HELP shows the grammar");
  CHECK(reason("PING \x02") == "the line contains a control byte or FF: remove it");
}

TEST_CASE("AT from a client is an unknown command") {
  CHECK(is<UnknownCommand>("AT Hill +0.263873386 kiwi +34-118 5"));
  CHECK(is<UnknownCommand>("AT a b c"));
}

TEST_CASE("a line with a wrong number of fields is an unknown command, whatever the fields contain") {
  CHECK(is<UnknownCommand>("IAMAT"));
  CHECK(is<UnknownCommand>("IAMAT kiwi +34-118"));
  CHECK(is<UnknownCommand>("IAMAT kiwi +34-118 5 6"));
  CHECK(is<UnknownCommand>("WHATSAT kiwi 10"));
  CHECK(is<UnknownCommand>("WHATSAT kiwi 10 5 extra field and more"));
}

TEST_CASE("a control byte other than white space makes any line unknown") {
  for (int value = 0; value <= 0xFF; ++value) {
    const char byte = static_cast<char>(value);
    const bool blank = byte == ' ' || byte == '\t' || byte == '\r' || byte == '\f' || byte == '\v';
    const bool forbidden = (value < 0x20 && !blank) || value == 0x7F || value == 0xFF;
    INFO(value);
    CHECK(is<UnknownCommand>(iamat_of("ki" + std::string(1, byte) + "wi")) == (forbidden || blank));
    CHECK(is<UnknownCommand>(kExample + " " + byte) == !blank);
    CHECK(is<Iamat>(kExample + byte) == blank);
    CHECK(is_client_id("ki" + std::string(1, byte) + "wi") == !(forbidden || blank));
  }
}

TEST_CASE("a client has 1 to 255 bytes") {
  CHECK(is<Iamat>(iamat_of("k")));
  CHECK(is<Iamat>(iamat_of(std::string(255, 'k'))));
  CHECK(reason_of(iamat_of(std::string(256, 'k'))) == "client is longer than 255 bytes");
  CHECK(is<Whatsat>("WHATSAT " + std::string(255, 'k') + " 1 1"));
  CHECK(reason_of("WHATSAT " + std::string(256, 'k') + " 1 1") == "client is longer than 255 bytes");
  CHECK_FALSE(is_client_id(""));
  CHECK(is_client_id(std::string(255, 'k')));
  CHECK_FALSE(is_client_id(std::string(256, 'k')));
}

TEST_CASE("a client id may be valid or invalid UTF-8") {
  CHECK(is<Iamat>(iamat_of("k\xC3\xBCwi")));
  CHECK(is<Iamat>(iamat_of("\xC3\x28\x80\xFE")));
}

TEST_CASE("malformed operands are invalid arguments with a reason") {
  CHECK(reason_of("IAMAT kiwi +91-118 5") == "latitude is not within -90 and +90");
  CHECK(reason_of("IAMAT kiwi +34-118 -5") == "time is not one to ten digits with at most nine fraction digits");
  CHECK(reason_of("IAMAT kiwi +3404-11826 5") ==
        "latitude is not a sign, one or two digits and at most 30 fraction digits, as in +34.07-118.44");
  CHECK(reason_of("WHATSAT kiwi x 5") ==
        "radius is not a number from 0 to 50 without a sign, with at most nine digits on either side of the point");
  CHECK(reason_of("WHATSAT kiwi 5 x") == "number of places is not one or two digits");
}

TEST_CASE("the range of a radius, 0 to 50, is checked on its decimal text") {
  for (const std::string radius : {"0", "0.0", "50", "50.000000000", "000000050", "49.999999999", "1"}) {
    INFO(radius);
    CHECK(is<Whatsat>("WHATSAT kiwi " + radius + " 5"));
  }
  for (const std::string radius : {"50.000000001", "51", "999999999"}) {
    INFO(radius);
    CHECK(reason_of("WHATSAT kiwi " + radius + " 5") == "radius is not within 0 and 50 kilometres");
  }
}

TEST_CASE("a radius has at most nine digits before and after its point, and no sign or exponent") {
  for (const std::string radius : {"+1", "-1", "1e1", "1.", ".5", "0000000050", "1.0000000000", "1,5", "0x1", "inf"}) {
    INFO(radius);
    CHECK(is<InvalidArguments>("WHATSAT kiwi " + radius + " 5"));
  }
}

TEST_CASE("the number of places has one or two digits, from 0 to 20") {
  for (const std::string max : {"0", "00", "05", "20"}) {
    INFO(max);
    CHECK(is<Whatsat>("WHATSAT kiwi 1 " + max));
  }
  for (const std::string max : {"21", "99", "000", "020", "-1", "+1", "1.0", "a"}) {
    INFO(max);
    CHECK(is<InvalidArguments>("WHATSAT kiwi 1 " + max));
  }
}

TEST_CASE("a request line and a Host field are HTTP") {
  for (const std::string line :
       {"GET / HTTP/1.1", "POST /a?b=c HTTP/1.0", "X * HTTP/1.9", "OPTIONS http://a/ HTTP/1.1", "IAMAT x HTTP/1.1",
        "GET /\x80\x01 HTTP/1.1", "Host: a", "host:", "hOSt:a b c d", "Host: \x01"}) {
    INFO(line);
    CHECK(is<HttpLine>(line));
  }
}

TEST_CASE("a line that only resembles HTTP is not HTTP") {
  for (const std::string line :
       {"GET / HTTP/2.0", "GET / HTTP/1.",   "GET / HTTP/1.x",   "GET / HTTP/1.1 ", " GET / HTTP/1.1",
        "GET  HTTP/1.1",  "GET  / HTTP/1.1", "Get / HTTP/1.1",   "/ HTTP/1.1",      " HTTP/1.1",
        "HTTP/1.1",       "GET / http/1.1",  "GET / a HTTP/1.1", "GET\t/ HTTP/1.1", "\xC4 / HTTP/1.1",
        "Host",           "Host :",          "Hosts:",           " Host:",          "Hos"}) {
    INFO(line);
    CHECK(is<UnknownCommand>(line));
  }
  CHECK(is<InvalidArguments>("IAMAT / x HTTP/1.1"));
  CHECK(is<Iamat>("IAMAT host:x +34-118 5"));
  CHECK(is<InvalidArguments>("WHATSAT Host: HTTP/1.1 5"));
}
