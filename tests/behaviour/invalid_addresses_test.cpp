// Invalid addresses are errors that name the address and the problem, and leave nothing bound.
#include <rapidcheck.h>

#include <algorithm>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

const std::vector<std::string>& hostile() {
  static const std::vector<std::string> urls{
      "",
      ":",
      "://",
      "tcp",
      "tcp:",
      "tcp://",
      "tcp://127.0.0.1",
      "tcp://127.0.0.1:",
      "tcp://127.0.0.1:65536",
      "tcp://127.0.0.1:99999999999999999999",
      "tcp://127.0.0.1:-1",
      "tcp://127.0.0.1:+1",
      "tcp://127.0.0.1: 1",
      "tcp://127.0.0.1:1 ",
      "tcp://127.0.0.1:0x50",
      "tcp://127.0.0.1:http",
      "tcp://127.0.0.1:1:2",
      "tcp://127.0.0.1:0/path",
      "tcp://user@127.0.0.1:0",
      "tcp://::1:80",
      "tcp://[::1",
      "tcp://[::1]",
      "tcp://[::1]80",
      "tcp://[]:80",
      "tcp://[127.0.0.1]:80",
      "tcp://[::1::2]:80",
      "tcp4://[::1]:0",
      "tcp6://127.0.0.1:0",
      "udp4://[::1]:0",
      "udp6://127.0.0.1:0",
      "http://127.0.0.1:80",
      "TCP//127.0.0.1:80",
      "tcp5://127.0.0.1:80",
      "tcp-nett://127.0.0.1:0",
      "-net://127.0.0.1:0",
      "unix://",
      "unix:path",
      "unix://?",
      "tcp://127.0.0.1:0?unknown=true",
      "tcp://127.0.0.1:0?reuseport",
      "tcp://127.0.0.1:0?reuseport=maybe",
      "tcp://127.0.0.1:0?reuseport=true&other=1",
      "unix:///nowhere/x?reuseport=true",
      std::string("tcp://127.0.0.1\0:80", 19),
      std::string("unix:///nowhere/a\0b", 19),
      "tcp://127.0.0.1\n:80",
      "tcp://" + std::string(100'000, 'x') + ":80",
      "tcp://" + std::string(100'000, '['),
      "unix:///" + std::string(100'000, 'x'),
      "tcp://\xff\xfe:80",
  };
  return urls;
}

TEST(InvalidAddresses, AreErrorsThatNameTheProblem) {
  const auto descriptors = open_descriptors();
  for (const std::string& url : hostile()) {
    try {
      const Server server({}, url);
      ADD_FAILURE() << "bound: " << url.substr(0, 80);
    } catch (const Error& error) {
      const auto printable =
          std::find_if_not(url.begin(), url.end(), [](char c) { return c > ' ' && c < 127; });
      EXPECT_NE(std::string(error.what()).find(std::string(url.begin(), printable).substr(0, 20)),
                std::string::npos)
          << error.what() << " does not name " << url.substr(0, 80);
      EXPECT_TRUE(error.code());
    }
  }
  EXPECT_EQ(open_descriptors(), descriptors);
}

TEST(InvalidAddresses, LeaveNothingBound) {
  const std::string good = "tcp://127.0.0.1:0";
  const auto descriptors = open_descriptors();
  for (const std::string& url : hostile())
    EXPECT_THROW(Server({}, good, url), Error) << url.substr(0, 80);
  EXPECT_THROW(Server({}, good, std::vector<Binding>{good, good}, "tcp://192.0.2.1:1"), Error)
      << "not ours to bind";
  EXPECT_EQ(open_descriptors(), descriptors);
}

TEST(InvalidAddresses, AnAddressInUseIsNamed) {
  const Server first({}, "tcp://127.0.0.1:0");
  const std::string taken = first.addresses().at(0).to_string();
  try {
    const Server second({}, taken);
    ADD_FAILURE() << "bound twice";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), std::errc::address_in_use);
    EXPECT_EQ(error.address(), taken);
    EXPECT_NE(std::string(error.what()).find(taken), std::string::npos);
  }
}

TEST(InvalidAddresses, AnUnavailableBackendIsAnError) {
  EXPECT_THROW(evio::serve({.backend = Backend::kqueue}, "tcp://127.0.0.1:0"), Error);
}

// Any text is parsed or rejected with an error, and what was parsed is printed so that it parses to
// the same address.
void expect_read_or_refused(const std::string& url) {
  try {
    const Address address = Binding(url).address();
    if (address.is_unix() && address.host().empty()) return;
    RC_ASSERT(Address::parse(address.to_string()) == address);
  } catch (const Error&) {
  }
}

TEST(InvalidAddresses, AnyBytesAreParsedOrRejected) {
  EXPECT_TRUE(
      rc::check("arbitrary bytes", [](const std::string& url) { expect_read_or_refused(url); }));
  EXPECT_TRUE(rc::check("spoilt addresses", [] {
    std::string url = *rc::gen::element<std::string>(
        "tcp://127.0.0.1:80", "udp6://[::1]:53?reuseport=true", "unix:///run/app.sock",
        "tcp-net://[fe80::1%lo]:1", "localhost:80");
    const auto at = *rc::gen::inRange<std::size_t>(0, url.size());
    const auto piece = *rc::gen::container<std::string>(
        rc::gen::element(':', '/', '[', ']', '?', '=', '%', '.', '0', 'x', '\0'));
    url.replace(at, *rc::gen::inRange<std::size_t>(0, 3), piece);
    expect_read_or_refused(url);
  }));
}

class UsualAddresses : public Behaviour {};
EVIO_ON_EVERY_BACKEND(UsualAddresses);

TEST_P(UsualAddresses, AreServed) {
  for (const std::string url :
       {":0", "127.0.0.1:0", "localhost:0", "tcp://:0", "tcp://localhost:0", "tcp4://:0",
        "tcp4://localhost:0", "tcp://0.0.0.0:0", "tcp-net://127.0.0.1:0"}) {
    if (url.starts_with("tcp-net") && backend() != Backend::poll)
      continue;  // requests that backend
    TestServer server = serve(echo(), url);
    Client client = Client::tcp4(server.port());
    EXPECT_EQ(echo_through(client, url), url);
  }
  for (const std::string url :
       {"tcp://:0", "tcp6://:0", "tcp6://[::1]:0", "tcp://[::1]:0", "tcp://[::]:0", "[::1]:0"}) {
    TestServer server = serve(echo(), url);
    Client client = Client::tcp6(server.port());
    EXPECT_EQ(echo_through(client, url), url);
  }
}

TEST_P(UsualAddresses, OfOneFamilyDoNotServeTheOther) {
  TestServer server = serve(echo(), "tcp6://:0", "tcp4://:0");
  EXPECT_THROW(Client::tcp4(server.port(0)), std::system_error);
  EXPECT_THROW(Client::tcp6(server.port(1)), std::system_error);
}

TEST_P(UsualAddresses, TcpServesBothFamiliesOnOnePort) {
  EventLog log;
  TestServer server =
      serve({.opened = [&](Conn& c) { log.add(c.remote().host() + " > " + c.local().host()); }},
            "tcp://:0");
  Client four = Client::tcp4(server.port()), six = Client::tcp6(server.port());
  EXPECT_TRUE(log.wait_for("127.0.0.1 > 127.0.0.1"));
  EXPECT_TRUE(log.wait_for("::1 > ::1"));
}

}  // namespace
}  // namespace evio::test
