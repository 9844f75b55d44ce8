// Incomplete requests are bounded by Limits::memory_max, measured at the process.
#include <gtest/gtest.h>

#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <string>

#include "support/behaviour.hpp"
#include "support/incomplete_input.hpp"

namespace evio::test { namespace {

class HttpMemory : public Behaviour {};
EVIO_ON_EVERY_BACKEND(HttpMemory);

std::string post(const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

TEST_P(HttpMemory, IsBoundedForIncompleteBodies) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's memory is no measure";
  in_child_process([&] {
    http::Router router;
    router.post("/", [](http::Request& request, http::Response& response) {
      response.text(std::to_string(request.body().size()));
    });
    Events events = http::server(std::move(router), {.body_max = 2 * mib});
    events.limits.memory_max = incomplete_input_max;
    TestServer server = serve(std::move(events));
    expect_bounded_memory(server, post(std::string(1 * mib, 'h')));
    Client next = server.connect();
    next.send(post("abc"));
    EXPECT_TRUE(next.receive(15).starts_with("HTTP/1.1 200 OK"));
  });
}

}  // namespace
}  // namespace evio::test
