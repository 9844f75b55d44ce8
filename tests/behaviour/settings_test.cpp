// Invalid settings are an Error that names the field, thrown before anything is bound.
#include <gmock/gmock.h>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

using testing::HasSubstr;

class Settings : public Behaviour {};
EVIO_ON_EVERY_BACKEND(Settings);

std::string problem_of(const Callback<void()>& set) {
  try {
    set();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), std::errc::invalid_argument);
    return error.what();
  }
  return "";
}

struct Case {
  std::string field;
  Callback<void(Events&)> set;
};

std::vector<Case> senseless() {
  std::vector<Case> all;
  const auto add = [&](std::string field, Callback<void(Events&)> set) {
    all.push_back({std::move(field), std::move(set)});
  };
  add("Limits::output_low",
      [](Events& e) { e.limits = {.output_high = 1000, .output_low = 1001}; });
  add("Limits::drain_timeout", [](Events& e) { e.limits.drain_timeout = -1ms; });
  add("Limits::linger_timeout", [](Events& e) { e.limits.linger_timeout = -1ms; });
  add("Limits::connect_timeout", [](Events& e) { e.limits.connect_timeout = -1ms; });
  add("Limits::first_bytes_timeout", [](Events& e) { e.limits.first_bytes_timeout = -1ms; });
  add("Limits::slow_reader_timeout", [](Events& e) { e.limits.slow_reader_timeout = -1ms; });
  add("Limits::backlog", [](Events& e) { e.limits.backlog = -1; });
  add("Options::idle_timeout", [](Events& e) { e.options.idle_timeout = -1ms; });
  for (const Duration time : {Duration(-1s), Duration(999ms), Duration(32768s), Duration::max()}) {
    add("Options::keep_alive", [time](Events& e) { e.options.keep_alive = time; });
    add("Options::keep_alive_interval",
        [time](Events& e) { e.options.keep_alive_interval = time; });
  }
  add("Options::keep_alive_interval", [](Events& e) { e.options.keep_alive_interval = 0s; });
  for (const int count : {-1, 0, 128})
    add("Options::keep_alive_count", [count](Events& e) { e.options.keep_alive_count = count; });
  add("Options::file_mode", [](Events& e) { e.options.file_mode = 010000; });
  for (const char* source : {"tcp://localhost:0", "tcp://:0", "unix:///run/x"})
    add("Options::source", [source](Events& e) { e.options.source = Address::parse(source); });
  return all;
}

TEST_P(Settings, InvalidValuesAreAnError) {
  for (const Case& one : senseless()) {
    EXPECT_THAT(problem_of([&] {
                  Events events;
                  one.set(events);
                  Server(as_set_up(std::move(events)), "tcp://127.0.0.1:0");
                }),
                HasSubstr(one.field));
    EXPECT_THAT(problem_of([&] {
                  Events events;
                  one.set(events);
                  static_cast<void>(on("tcp://127.0.0.1:0", std::move(events)));
                }),
                HasSubstr(one.field));
  }
  EXPECT_THAT(problem_of([&] { Server(as_set_up({.busy_poll = -1us})); }),
              HasSubstr("Events::busy_poll"));
}

TEST_P(Settings, InvalidValuesForOneConnectionAreAnError) {
  EventLog log;
  TestServer server = serve({.opened = [&](Conn& c) {
    log.add(problem_of([&] { c.set({.idle_timeout = -1s}); }));
    log.add(problem_of([&] { c.set({.keep_alive = 10ms}); }));
    c.set({.keep_alive = 0s, .idle_timeout = 0s});
    c.write("!");
  }});
  EXPECT_EQ(server.connect().receive(1), "!");
  EXPECT_THAT(log.events().at(0), HasSubstr("Options::idle_timeout"));
  EXPECT_THAT(log.events().at(1), HasSubstr("Options::keep_alive"));
}

// A user who lowers output_high alone need not know output_low.
TEST_P(Settings, TheLowWaterMarkFollowsTheHighOneUnlessItIsSet) {
  TestServer server = serve({.limits = {.output_high = 4000},
                             .opened =
                                 [](Conn& c) {
                                   EXPECT_TRUE(c.write(pattern(4000)));
                                   EXPECT_FALSE(c.write("x"));
                                 },
                             .drained = [](Conn& c) { c.write("drained"); }});
  EXPECT_EQ(server.connect().receive(4008).substr(4001), "drained");
}

TEST_P(Settings, ValuesAtTheirBoundsAreAccepted) {
  Server(as_set_up({.limits = {.output_high = 10,
                               .output_low = 10,
                               .drain_timeout = 0s,
                               .connect_timeout = Duration::max(),
                               .backlog = 0},
                    .options = {.keep_alive = 32767s,
                                .idle_timeout = Duration::max(),
                                .keep_alive_interval = 1s,
                                .keep_alive_count = 127,
                                .source = Address::parse("tcp://127.0.0.1:0")}}),
         "tcp://127.0.0.1:0");
}

// Each server counts its own connections, although the servers share one Events object.
TEST_P(Settings, EachServerCountsTheLimitsOfASharedBindingSeparately) {
  const Binding binding =
      on("tcp://127.0.0.1:0", {.limits = {.connections_max = 1, .connections_per_peer_max = 1},
                               .opened = [](Conn& c) { c.write("!"); }});
  TestServer one = serve({}, binding), other = serve({}, binding);
  Client first = one.connect(), second = other.connect();
  EXPECT_EQ(first.receive(1), "!");
  EXPECT_EQ(second.receive(1), "!");
}

}  // namespace
}  // namespace evio::test
