// The fixture of the behaviour tests: each runs on every backend of this machine, with one loop and
// with several.
#pragma once

#include <gtest/gtest.h>

#include <evio/evio.hpp>
#include <string>
#include <vector>

#include "background.hpp"
#include "bytes.hpp"
#include "client.hpp"
#include "event_log.hpp"
#include "handle_slot.hpp"
#include "process.hpp"
#include "test_server.hpp"
#include "waiting.hpp"

namespace evio::test {

struct Setup {
  Backend backend = Backend::automatic;
  int loops = 1;
};

/// Every backend on which a server can run here.
const std::vector<Backend>& backends();
/// Every such backend with each number of loops.
std::vector<Setup> setups(std::vector<int> loops);
std::string name_of(Backend backend);
std::string name_of(const testing::TestParamInfo<Setup>& info);

class Behaviour : public testing::TestWithParam<Setup> {
 protected:
  Backend backend() const { return GetParam().backend; }
  int loops() const { return GetParam().loops; }

  /// The events, with this test's backend and number of loops.
  Events as_set_up(Events events) const {
    events.backend = backend();
    events.loops = loops();
    return events;
  }
  template <class... Addresses>
  TestServer serve(Events events, Addresses&&... addresses) const {
    return TestServer(as_set_up(std::move(events)), std::forward<Addresses>(addresses)...);
  }
  /// Serves on a free TCP port of the loopback interface.
  TestServer serve(Events events) const { return serve(std::move(events), "tcp://127.0.0.1:0"); }
};

/// The events of an echo server.
inline Events echo() {
  return {.data = [](Conn& c, Input& in) { c.write(in.take()); }};
}
/// Sends the bytes and returns the echo.
inline std::string echo_through(Client& client, std::string_view bytes) {
  client.send(bytes);
  return client.receive(bytes.size());
}

}  // namespace evio::test

#define EVIO_ON_EVERY_BACKEND(suite)                   \
  INSTANTIATE_TEST_SUITE_P(                            \
      Every, suite, testing::ValuesIn(setups({1, 4})), \
      [](const testing::TestParamInfo<Setup>& info) { return name_of(info); })
#define EVIO_ON_EVERY_BACKEND_WITH_LOOPS(suite, ...)          \
  INSTANTIATE_TEST_SUITE_P(                                   \
      Every, suite, testing::ValuesIn(setups({__VA_ARGS__})), \
      [](const testing::TestParamInfo<Setup>& info) { return name_of(info); })
