// Parsing requests: what is accepted and what is rejected, however the bytes were split.
#include "protocol/http/request_parser.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <evio/http/settings.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace evio::test { namespace {

using http::RequestParser;
using State = RequestParser::State;

// The parsed request as text; the status if it is rejected.
std::string read(std::string_view bytes, const std::vector<std::size_t>& ends) {
  const http::Settings settings;
  RequestParser parser;
  http::Message message;
  parser.reset();
  std::size_t at = 0;
  bool in_body = false;
  std::string understood;
  for (const std::size_t end : ends) {
    for (;;) {
      std::size_t used = 0;
      if (!in_body) {
        const State state = parser.read_header(bytes.substr(at, end - at), settings, message, used);
        if (state == State::refused) return std::to_string(parser.status());
        if (state == State::partial) break;
        understood.append(message.method)
            .append(" ")
            .append(message.path)
            .append("?")
            .append(message.query);
        for (const auto& [name, value] : message.fields)
          understood.append("|").append(name).append("=").append(value);
        understood += message.keep_alive ? "|stays|" : "|ends|";
        in_body = true;
        parser.limit_body(1 << 20);
      } else {
        const auto [state, piece] = parser.read_body(bytes.substr(at, end - at), settings, used);
        if (state == State::refused) return std::to_string(parser.status());
        understood += piece;
        if (state == State::end) {
          for (const auto& [name, value] : parser.trailers())
            understood.append("|").append(name).append("=").append(value);
          return understood;
        }
        if (state == State::partial) break;
      }
      at += used;
    }
  }
  return "partial";
}

std::string read(std::string_view bytes) { return read(bytes, {bytes.size()}); }

std::string with(std::string_view fields, std::string_view body = {}) {
  return "POST /a?b HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

const std::vector<std::string> accepted{
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET http://x:80/p?q=1 HTTP/1.1\r\nHOST: [::1]:80\r\nAccept: \t*/* \r\nEmpty:\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    with("Content-Length: 5\r\n", "hello"),
    with("Content-Length: 5\r\nExpect: 100-continue\r\n", "\r\n\r\nx"),
    with("Transfer-Encoding: chunked\r\n",
         "5\r\nhello\r\n003;a=\"b;\"\r\n\n\r\n\r\n0\r\nA: b\r\nC: d\r\n\r\n"),
    with("Transfer-Encoding: Chunked\r\n", "0\r\n\r\n"),
};

struct Refused {
  std::string request;
  std::string status;
};
const std::vector<Refused> refused{
    {"GET / HTTP/1.1\nHost: x\n\n", "400"},
    {"\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400"},
    {"GET /#f HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET http:///p HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET http://:80/p HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", "400"},
    {"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", "400"},
    {"GET / HTTP/1.2\r\nHost: x\r\n\r\n", "400"},
    {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {" / HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"G(T / HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {"GET /\t HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
    {with("A\r\n"), "400"},
    {with("A: b\x7f\r\n"), "400"},
    {with("Connection: close keep-alive\r\n"), "400"},
    {with("Connection: close;q=1\r\n"), "400"},
    {with("Content-Length:\r\n"), "400"},
    {with("Content-Length: -5\r\n"), "400"},
    {with("Content-Length: 5x\r\n", "hello"), "400"},
    {with("Content-Length: 5 5\r\n", "hello"), "400"},
    {with("Content-Length: 18446744073709551616\r\n"), "400"},
    {with("Transfer-Encoding: gzip\r\n"), "400"},
    {with("Transfer-Encoding: chunked, gzip\r\n"), "400"},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {with(" folded: x\r\n"), "400"},
    {with("A: b\r\n c\r\n"), "400"},
    {with("A : b\r\n"), "400"},
    {with("A\t: b\r\n"), "400"},
    {with(": b\r\n"), "400"},
    {with(std::string("A: b\0c\r\n", 8)), "400"},
    {with(std::string("A\0: b\r\n", 7)), "400"},
    {with("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), "400"},
    {with("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), "400"},
    {with("Content-Length: 5, 5\r\n", "hello"), "400"},
    {with("Content-Length: +5\r\n", "hello"), "400"},
    {with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
    {with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), "400"},
    {with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
    {with("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), "501"},
    {with("Transfer-Encoding: \x0b"
          "chunked\r\n",
          "0\r\n\r\n"),
     "400"},
    {with("Transfer-Encoding: chunked\r\n", "5 \r\nhello\r\n0\r\n\r\n"), "400"},
    {with("Transfer-Encoding: chunked\r\n", "0x5\r\nhello\r\n0\r\n\r\n"), "400"},
    {with("Transfer-Encoding: chunked\r\n", "5\nhello\r\n0\r\n\r\n"), "400"},
    {with("Transfer-Encoding: chunked\r\n", "5\r\nhello0\r\n\r\n"), "400"},
    {with("Transfer-Encoding: chunked\r\n", "5;a\rb\r\nhello\r\n0\r\n\r\n"), "400"},
    {with("Transfer-Encoding: chunked\r\n", "10000000000000005\r\nhello\r\n0\r\n\r\n"), "400"},
    {with("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nA: b\n\r\n"), "400"},
    {with("Transfer-Encoding: chunked\r\n", "5;" + std::string(9000, 'a')), "431"},
    {with("Transfer-Encoding: chunked\r\n", "200000\r\n"), "413"},
    {with("Expect: miracles\r\n"), "417"},
    {"GET /" + std::string(9000, 'x'), "414"},
    {with("A: " + std::string(9000, 'x')), "431"},
};

TEST(HttpRequestParser, RejectsAmbiguousRequests) {
  for (const auto& [request, status] : refused)
    EXPECT_EQ(read(request), status) << request.substr(0, 200);
}

TEST(HttpRequestParser, RejectsThemHoweverTheyAreSplit) {
  for (const auto& [request, status] : refused) {
    if (request.size() > 1000) continue;
    std::vector<std::size_t> every_byte;
    for (std::size_t end = 1; end <= request.size(); ++end) every_byte.push_back(end);
    EXPECT_EQ(read(request, every_byte), status) << request;
    for (std::size_t end = 1; end < request.size(); ++end)
      EXPECT_EQ(read(request, {end, request.size()}), status) << request << " split at " << end;
  }
}

TEST(HttpRequestParser, ParsesTheSameHoweverTheBytesAreSplit) {
  for (const std::string& request : accepted) {
    const std::string whole = read(request);
    EXPECT_GT(whole.size(), 3U) << request;
    EXPECT_NE(whole, "partial") << request;
    std::vector<std::size_t> every_byte;
    for (std::size_t end = 1; end <= request.size(); ++end) {
      every_byte.push_back(end);
      EXPECT_EQ(read(request, {end, request.size()}), whole) << request << " split at " << end;
      const std::string part = request.substr(0, end);
      EXPECT_EQ(read(part), end < request.size() ? "partial" : whole) << part;
    }
    EXPECT_EQ(read(request, every_byte), whole) << request;
  }
}

TEST(HttpRequestParser, TheSplitOfAnyBytesDoesNotMatter) {
  const bool holds = rc::check("split anywhere, it is read in the same way", [] {
    std::string request = *rc::gen::elementOf(accepted);
    const std::size_t place = *rc::gen::inRange<std::size_t>(0, request.size());
    request[place] =
        *rc::gen::element('\r', '\n', ' ', '\t', ':', ',', ';', '0', 'a', '\0', '\x80');
    const std::size_t end = *rc::gen::inRange<std::size_t>(1, request.size());
    const std::string whole = read(request), parts = read(request, {end, request.size()});
    const bool both_refused = whole.size() == 3 && parts.size() == 3;
    RC_ASSERT(both_refused || whole == parts);
  });
  EXPECT_TRUE(holds);
}

TEST(HttpRequestParser, ReportsWhetherTheConnectionPersists) {
  const auto stays = [](std::string_view version, std::string_view fields) {
    const std::string request =
        "GET / HTTP/" + std::string(version) + "\r\nHost: x\r\n" + std::string(fields) + "\r\n";
    return read(request).ends_with("|stays|");
  };
  EXPECT_TRUE(stays("1.1", ""));
  EXPECT_TRUE(stays("1.1", "Connection: upgrade, keep-alive\r\n"));
  EXPECT_FALSE(stays("1.1", "Connection: , upgrade ,Close,\r\n"));
  EXPECT_FALSE(stays("1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
  EXPECT_TRUE(
      stays("1.1",
            "Proxy-Connection: close\r\n"));  // not standardized: a proxy may forward it by mistake
  EXPECT_FALSE(stays("1.0", ""));
  EXPECT_FALSE(stays("1.0", "Proxy-Connection: keep-alive\r\n"));
  EXPECT_FALSE(stays("1.0", "Connection: keep-alive, close\r\n"));
  EXPECT_FALSE(stays("1.0", "Connection: close\r\nConnection: Keep-Alive\r\n"));
  EXPECT_TRUE(stays("1.0", "CONNECTION: Keep-Alive\r\n"));
}

TEST(HttpRequestParser, AcceptsNonAsciiBytesInTargetsAndValues) {
  EXPECT_EQ(read("GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\nA:\t\xc3\xa4 \t b \t\r\n\r\n"),
            "GET /\xc3\xa4?|Host=x|A=\xc3\xa4 \t b|stays|");
}

// A peer with another protocol may send no end of line for long.
TEST(HttpRequestParser, RejectsAnInvalidRequestLineImmediately) {
  for (const char* bad : {"\x16\x03\x01", "\x80", "\n", " ", "\t", "<", "G@T", "{\"a\""})
    EXPECT_EQ(read(bad), "400") << bad;
  for (const char* partial : {"G", "GET", "GET /a", "M-SEARCH * HTTP", "\r"})
    EXPECT_NE(read(partial), "400") << partial;
}

TEST(HttpRequestParser, CountsFields) {
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "A: b\r\n";
  EXPECT_TRUE(read(with(fields)).starts_with("POST "));
  EXPECT_EQ(read(with(fields + "A: b\r\n")), "431");
}

}  // namespace
}  // namespace evio::test
