#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <evio/address.hpp>
#include <evio/error.hpp>
#include <sstream>
#include <string>
#include <unordered_set>
#include <vector>

namespace evio { namespace {

using testing::HasSubstr;
using Scheme = Address::Scheme;

// The message of parse()'s error.
std::string complaint(std::string_view url) {
  try {
    Address::parse(url);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), std::errc::invalid_argument);
    EXPECT_EQ(error.address(), url);
    return error.what();
  }
  return "none";
}

std::string printed(std::string_view url) { return Address::parse(url).to_string(); }

Address::Ip ip4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d};
}

TEST(Address, IsAnyInterfaceAndPortByDefault) {
  EXPECT_EQ(Address().to_string(), "tcp://:0");
  EXPECT_EQ(Address::parse("tcp://:0"), Address());
}

TEST(Address, HasSchemeHostAndPort) {
  Address address = Address::parse("tcp4://127.0.0.1:5000");
  EXPECT_EQ(address.scheme(), Scheme::tcp4);
  EXPECT_EQ(address.host(), "127.0.0.1");
  EXPECT_EQ(address.port(), 5000);
  EXPECT_TRUE(address.has_ip());
  EXPECT_TRUE(address.is_ip4());
  EXPECT_EQ(address.ip(), ip4(127, 0, 0, 1));
  EXPECT_FALSE(address.is_udp());
  EXPECT_FALSE(address.is_unix());
}

TEST(Address, KnowsEachScheme) {
  for (std::string url :
       {"tcp://:1", "tcp4://:1", "tcp6://:1", "udp://:1", "udp4://:1", "udp6://:1", "unix:///a"}) {
    EXPECT_EQ(printed(url), url);
  }
  EXPECT_TRUE(Address::parse("udp6://:1").is_udp());
  EXPECT_TRUE(Address::parse("unix:///a").is_unix());
}

TEST(Address, IsTcpWithoutScheme) {
  EXPECT_EQ(printed("localhost:5000"), "tcp://localhost:5000");
  EXPECT_EQ(printed(":5000"), "tcp://:5000");
  EXPECT_EQ(printed("[::1]:5000"), "tcp://[::1]:5000");
}

TEST(Address, ListsTheKnownSchemesWhenOneIsUnknown) {
  EXPECT_EQ(complaint("http://:80"),
            "http://:80: unknown scheme 'http'; known are tcp, tcp4, tcp6, udp, udp4, udp6, unix");
  for (std::string url : {"://:80", "TCP://:80", "tcp5://:80", " tcp://:80", "tcp ://:80"}) {
    EXPECT_THAT(complaint(url), HasSubstr("unknown scheme")) << url;
  }
}

TEST(Address, TakesPortsFrom0To65535) {
  EXPECT_EQ(Address::parse("tcp://:0").port(), 0);
  EXPECT_EQ(Address::parse("tcp://:65535").port(), 65535);
  EXPECT_EQ(complaint("tcp://:99999"), "tcp://:99999: port 99999 is not between 0 and 65535");
  EXPECT_THAT(complaint("tcp://:65536"), HasSubstr("port 65536 is not between 0 and 65535"));
  EXPECT_THAT(complaint("tcp://:18446744073709551617"), HasSubstr("is not between 0 and 65535"));
}

TEST(Address, TakesPortsOfDigitsOnly) {
  for (std::string port :
       {"+80", "-1", " 80", "80 ", "0x50", "8o", "http", "80/", "80#top", "8\t0"}) {
    EXPECT_THAT(complaint("tcp://:" + port), HasSubstr("is not a number")) << port;
  }
}

TEST(Address, RequiresAPort) {
  for (std::string url :
       {"", "tcp://", "tcp://localhost", "tcp://localhost:", "tcp://[::1]", "[::1]:", ":"}) {
    EXPECT_THAT(complaint(url), HasSubstr("missing port")) << url;
  }
}

TEST(Address, AcceptsNamesUnchanged) {
  Address address = Address::parse("udp://my-host_1.Example.org.:53");
  EXPECT_EQ(address.host(), "my-host_1.Example.org.");
  EXPECT_FALSE(address.has_ip());
  EXPECT_FALSE(address.is_ip4());
  EXPECT_EQ(address.ip(), Address::Ip{});
  EXPECT_EQ(printed("tcp6://localhost:1"), "tcp6://localhost:1");
}

TEST(Address, RejectsInvalidHosts) {
  using namespace std::string_literals;
  for (std::string host :
       {"a b"s, " "s, "a\0b"s, "a\nb"s, "a\x7f"s, "a/b"s, "a@b"s, "a#b"s, "a%b"s, "*"s, "a]"s,
        "[a"s, "\xc3\xa4"s, "[]"s, "[::1]x"s, "x[::1]"s, std::string(254, 'a')}) {
    EXPECT_NE(complaint("tcp://" + host + ":80"), "none") << host;
  }
  EXPECT_EQ(Address::parse("tcp://" + std::string(253, 'a') + ":80").host().size(), 253u);
}

TEST(Address, ReadsNothingBeyondANul) {
  using namespace std::string_literals;
  for (std::string url :
       {"tcp://127.0.0.1\0x:80"s, "tcp://[::1\0x]:80"s, "tcp://:80\0"s, "unix://@a\0b"s}) {
    EXPECT_THAT(complaint(url), HasSubstr("contains a NUL"));
  }
}

TEST(Address, TreatsANumericLastLabelAsAnIp4Address) {
  for (std::string host : {"256.0.0.1", "1.2.3", "1.2.3.4.5", "127.1", "0x7f.1", "01.2.3.4",
                           "0x7f000001", "1.2.3.4."}) {
    EXPECT_THAT(complaint("tcp://" + host + ":80"), HasSubstr("is not an IPv4 address")) << host;
  }
}

TEST(Address, PrintsIp6Canonically) {
  EXPECT_EQ(printed("tcp://[0:0:0:0:0:0:0:1]:80"), "tcp://[::1]:80");
  EXPECT_EQ(printed("tcp6://[2001:DB8::A]:80"), "tcp6://[2001:db8::a]:80");
  EXPECT_EQ(Address::parse("tcp://[::]:80").host(), "::");
  EXPECT_TRUE(Address::parse("tcp://[::]:80").has_ip());
  EXPECT_NE(Address::parse("tcp://[::]:80"), Address::parse("tcp://:80"));
}

TEST(Address, RequiresBracketsAroundIp6Only) {
  EXPECT_EQ(complaint("tcp://::1:80"), "tcp://::1:80: an IPv6 address needs brackets: [::1]");
  for (std::string host :
       {"[127.0.0.1]", "[localhost]", "[]", "[:]", "[::1::]", "[1:2:3:4:5:6:7:8:9]", "[12345::]"}) {
    EXPECT_THAT(complaint("tcp://" + host + ":80"), HasSubstr("is not an IPv6 address")) << host;
  }
}

TEST(Address, TreatsMappedIp4AsIp4) {
  EXPECT_EQ(printed("tcp://[::ffff:10.1.2.3]:80"), "tcp://10.1.2.3:80");
  EXPECT_EQ(Address::from_ip(Scheme::udp, ip4(10, 1, 2, 3), 80).to_string(), "udp://10.1.2.3:80");
}

TEST(Address, RefusesTheOtherFamily) {
  EXPECT_THAT(complaint("tcp4://[::1]:80"), HasSubstr("IPv6 address with an IPv4 scheme"));
  EXPECT_THAT(complaint("udp4://[fe80::1%eth0]:80"), HasSubstr("IPv6 address with an IPv4 scheme"));
  EXPECT_THAT(complaint("tcp6://127.0.0.1:80"), HasSubstr("IPv4 address with an IPv6 scheme"));
  EXPECT_THAT(complaint("udp6://[::ffff:127.0.0.1]:80"),
              HasSubstr("IPv4 address with an IPv6 scheme"));
}

TEST(Address, KeepsTheZone) {
  Address named = Address::parse("tcp://[FE80::1%eth0]:80");
  EXPECT_EQ(named.host(), "fe80::1%eth0");
  EXPECT_FALSE(named.has_ip());
  EXPECT_EQ(named.ip(), Address::Ip{});
  EXPECT_EQ(named.to_string(), "tcp://[fe80::1%eth0]:80");

  Address numbered = Address::parse("tcp://[fe80::1%3]:80");
  EXPECT_TRUE(numbered.has_ip());
  EXPECT_EQ(numbered.scope(), 3u);
  EXPECT_EQ(numbered.host(), "fe80::1%3");
  EXPECT_EQ(numbered.to_string(), "tcp://[fe80::1%3]:80");
}

TEST(Address, RefusesZonesThatNameNoInterface) {
  for (std::string zone : {"", "4294967296", "et h0", "eth0]", "a%b", "a/b", "sixteen-bytes-00"}) {
    EXPECT_THAT(complaint("tcp://[fe80::1%" + zone + "]:80"), HasSubstr("zone")) << zone;
  }
  EXPECT_THAT(complaint("tcp://[::ffff:1.2.3.4%1]:80"), HasSubstr("an IPv4 address has no zone"));
}

TEST(Address, LeavesQueriesToBinding) {
  EXPECT_EQ(complaint("tcp://:80?reuseport=true"),
            "tcp://:80?reuseport=true: unexpected query '?reuseport=true'");
  EXPECT_THAT(complaint("unix:///a?b"), HasSubstr("unexpected query '?b'"));
}

TEST(Address, AcceptsUnixPathsUnchanged) {
  EXPECT_EQ(Address::parse("unix:///run/app.sock").host(), "/run/app.sock");
  EXPECT_EQ(Address::parse("unix://relative.sock").host(), "relative.sock");
  EXPECT_EQ(Address::parse("unix://a b:c://d").host(), "a b:c://d");
  EXPECT_EQ(Address::parse("unix://100%").host(), "100%");
  EXPECT_EQ(Address::parse("unix:///a").port(), 0);
  EXPECT_FALSE(Address::parse("unix:///a").has_ip());
}

TEST(Address, EscapesWhatAUnixUrlCannotHold) {
  EXPECT_EQ(Address::from_path("/a?b%c\n").to_string(), "unix:///a%3Fb%25c%0A");
  EXPECT_EQ(Address::parse("unix:///a%3Fb").host(), "/a?b");
  EXPECT_EQ(Address::parse("unix://%zz%2").host(), "%zz%2");
  EXPECT_EQ(Address::parse("unix://@a%00b").host(), std::string_view("@a\0b", 4));
}

TEST(Address, RefusesPathsThatNoSocketCanHave) {
  using namespace std::string_literals;
  EXPECT_THAT(complaint("unix://"), HasSubstr("the path is empty"));
  EXPECT_THAT(complaint("unix:///" + std::string(107, 'a')), HasSubstr("the path has 108 bytes"));
  EXPECT_EQ(Address::parse("unix:///" + std::string(106, 'a')).host().size(), 107u);
  EXPECT_THAT(complaint("unix:///a%00b"), HasSubstr("contains a NUL"));
  EXPECT_THAT(complaint("unix:///a\0b"s), HasSubstr("contains a NUL"));
}

TEST(Address, IsMadeFromParts) {
  Address::Ip ip{0xfe, 0x80};
  ip[15] = 7;
  EXPECT_EQ(Address::from_ip(Scheme::tcp6, ip, 80, 2).to_string(), "tcp6://[fe80::7%2]:80");
  EXPECT_EQ(Address::from_ip(Scheme::tcp, ip4(1, 2, 3, 4), 80, 2).scope(), 0u);
  EXPECT_EQ(Address::from_ip(Scheme::tcp, ip4(1, 2, 3, 4), 80), Address::parse("tcp://1.2.3.4:80"));
  EXPECT_EQ(Address::from_path("/a"), Address::parse("unix:///a"));
  EXPECT_EQ(Address::parse("tcp://localhost:0").with_port(80),
            Address::parse("tcp://localhost:80"));
  EXPECT_EQ(Address::from_path("").to_string(), "unix://");
}

TEST(Address, DiffersInEachPart) {
  const std::vector<Address> all = {
      Address::parse("tcp://1.2.3.4:80"),   Address::parse("tcp4://1.2.3.4:80"),
      Address::parse("udp://1.2.3.4:80"),   Address::parse("tcp://1.2.3.4:81"),
      Address::parse("tcp://1.2.3.5:80"),   Address::parse("tcp://:80"),
      Address::parse("tcp://[fe80::1]:80"), Address::parse("tcp://[fe80::1%1]:80"),
      Address::parse("tcp://a:80"),         Address::parse("tcp://b:80"),
      Address::parse("unix://a"),
  };
  std::unordered_set<Address> set(all.begin(), all.end());
  EXPECT_EQ(set.size(), all.size());
  std::unordered_set<std::size_t> hashes;
  for (const Address& address : all) hashes.insert(std::hash<Address>()(address));
  EXPECT_EQ(hashes.size(), all.size());
  for (const Address& address : all) EXPECT_TRUE(set.contains(Address::parse(address.to_string())));
}

TEST(Address, PrintsToStreams) {
  std::ostringstream out;
  out << Address::parse("tcp://[::1]:80");
  EXPECT_EQ(out.str(), "tcp://[::1]:80");
}

// ---- any address, any text ----

rc::Gen<std::string> text_of(const std::string& alphabet, int from, int to) {
  return rc::gen::mapcat(rc::gen::inRange(from, to), [=](int size) {
    return rc::gen::container<std::string>(static_cast<std::size_t>(size),
                                           rc::gen::elementOf(alphabet));
  });
}

rc::Gen<std::string> any_name() {
  return text_of("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_", 1, 64);
}

Address any_ip() {
  bool is4 = *rc::gen::arbitrary<bool>();
  auto bytes =
      *rc::gen::container<std::vector<std::uint8_t>>(16, rc::gen::arbitrary<std::uint8_t>());
  Address::Ip ip = ip4(bytes[0], bytes[1], bytes[2], bytes[3]);
  // Runs of zeros are what the shortest form of IPv6 depends on.
  auto zeros = *rc::gen::inRange<std::size_t>(0, 17);
  if (!is4)
    std::fill_n(bytes.begin(), zeros, std::uint8_t{0}),
        std::copy(bytes.begin(), bytes.end(), ip.begin());
  auto scheme = is4 ? rc::gen::element(Scheme::tcp, Scheme::tcp4, Scheme::udp, Scheme::udp4)
                    : rc::gen::element(Scheme::tcp, Scheme::tcp6, Scheme::udp, Scheme::udp6);
  auto scope = *rc::gen::element<std::uint32_t>(0, 1, 42, 4294967295);
  return Address::from_ip(*scheme, ip, *rc::gen::arbitrary<std::uint16_t>(), scope);
}

Address any_named() {
  std::string scheme = *rc::gen::element<std::string>("", "tcp://", "tcp4://", "tcp6://", "udp://",
                                                      "udp4://", "udp6://");
  std::string host = *rc::gen::oneOf(
      rc::gen::just(std::string()),
      rc::gen::map(any_name(), [](const std::string& name) { return name + ".a"; }));
  return Address::parse(scheme + host + ":" + std::to_string(*rc::gen::arbitrary<std::uint16_t>()));
}

Address any_path() {
  auto path = *rc::gen::suchThat(rc::gen::string<std::string>(), [](const std::string& each) {
    return !each.empty() && each.size() <= 107 && (each[0] == '@' || each.find('\0') == each.npos);
  });
  return Address::from_path(path);
}

void expect_round_trip(const Address& address) {
  Address again = Address::parse(address.to_string());
  RC_ASSERT(again == address);
  RC_ASSERT(again.to_string() == address.to_string());
  RC_ASSERT(std::hash<Address>()(again) == std::hash<Address>()(address));
}

RC_GTEST_PROP(AddressProperty, EveryIpAddressSurvivesPrintingAndParsing, ()) {
  expect_round_trip(any_ip());
}
RC_GTEST_PROP(AddressProperty, EveryNameSurvivesPrintingAndParsing, ()) {
  expect_round_trip(any_named());
}
RC_GTEST_PROP(AddressProperty, EveryPathSurvivesPrintingAndParsing, ()) {
  expect_round_trip(any_path());
}

void expect_parsed_or_named(const std::string& text) {
  try {
    expect_round_trip(Address::parse(text));
  } catch (const Error& error) {
    RC_ASSERT(error.address() == text);
    bool plain = std::all_of(text.begin(), text.end(),
                             [](unsigned char c) { return c >= ' ' && c != 0x7f; });
    if (plain) RC_ASSERT(std::string(error.what()).starts_with(text));
  }
}

RC_GTEST_PROP(AddressProperty, AnyTextIsAnAddressOrAnErrorThatNamesIt, (const std::string& text)) {
  expect_parsed_or_named(text);
}

// Text that is closer to an address.
RC_GTEST_PROP(AddressProperty, AnyMixOfPartsIsAnAddressOrAnErrorThatNamesIt, ()) {
  auto parts = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
      "tcp", "tcp6", "udp4", "unix", "://", ":", "/", "[", "]", "::", "1", "80", "65536", "1.2.3.4",
      "fe80::1", "%", "%3f", "eth0", "?", "@", "a", ".", "-", " ", "ffff:", "\n"));
  std::string text;
  for (const std::string& part : parts) text += part;
  expect_parsed_or_named(text);
}

}  // namespace
}  // namespace evio
