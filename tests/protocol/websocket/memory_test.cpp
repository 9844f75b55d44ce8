// Incomplete messages are bounded by Limits::memory_max, measured at the process.
#include <gtest/gtest.h>

#include <evio/evio.hpp>
#include <evio/websocket.hpp>
#include <string>

#include "support/behaviour.hpp"
#include "support/incomplete_input.hpp"
#include "wire.hpp"

namespace evio::test { namespace {

class WebSocketMemory : public Behaviour {};
EVIO_ON_EVERY_BACKEND(WebSocketMemory);

TEST_P(WebSocketMemory, IsBoundedForIncompleteMessages) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's memory is no measure";
  in_child_process([&] {
    Events events = websocket::server({.message = [] {}}, {.message_max = 2 * mib});
    events.limits.memory_max = incomplete_input_max;
    TestServer server = serve(std::move(events));
    expect_bounded_memory(
        server, std::string(handshake) + "\r\n" + frame(fin | binary, std::string(1 * mib, 'h')));
  });
}

}  // namespace
}  // namespace evio::test
