// The order of the handlers, and the threads on which they run.
#include <fcntl.h>
#include <pthread.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class EventOrder : public Behaviour {};
EVIO_ON_EVERY_BACKEND(EventOrder);

// Connects as soon as the server listens.
Client connect_patiently(std::uint16_t port) {
  for (int attempt = 0;; ++attempt) {
    try {
      return Client::tcp4(port);
    } catch (const std::system_error&) {
      if (attempt == 5000) throw;
      std::this_thread::sleep_for(1ms);
    }
  }
}

TEST_P(EventOrder, ServingThenLoopsThenTickThenConnections) {
  EventLog log;
  std::optional<Background> peer;
  TestServer server = serve({.serving =
                                 [&](Server& serving) {
                                   EXPECT_NE(serving.addresses().at(0).port(), 0);
                                   peer.emplace([port = serving.addresses().at(0).port()] {
                                     Client client = connect_patiently(port);
                                     client.shutdown_write();
                                     client.receive_rest();
                                   });
                                   log.add("serving");
                                 },
                             .loop_started = [&] { log.add("loop_started"); },
                             .opened = [&] { log.add("opened"); },
                             .closed = [&] { log.add("closed"); },
                             .tick =
                                 [&](Loop& loop) {
                                   EXPECT_EQ(loop.index(), 0);
                                   log.add("tick");
                                   return Tick{-1s};
                                 },
                             .loop_stopped = [&] { log.add("loop_stopped"); }});
  ASSERT_TRUE(log.wait_for("closed"));
  server.stop();
  std::vector<std::string> expected{"serving"};
  expected.insert(expected.end(), static_cast<std::size_t>(loops()), "loop_started");
  expected.insert(expected.end(), {"tick", "opened", "closed"});
  expected.insert(expected.end(), static_cast<std::size_t>(loops()), "loop_stopped");
  EXPECT_EQ(log.events(), expected);
}

TEST_P(EventOrder, PostsMadeInServingWaitForTheLoops) {
  EventLog log;
  TestServer server = serve(
      {.serving =
           [&](Server& serving) {
             for (int i = 0; i < serving.loops(); ++i)
               EXPECT_TRUE(
                   serving.loop(i).post([&log, i] { log.add("post " + std::to_string(i)); }));
             log.add("serving");
           },
       .loop_started = [&](Loop& loop) { log.add("started " + std::to_string(loop.index())); }});
  for (int i = 0; i < loops(); ++i) ASSERT_TRUE(log.wait_for("post " + std::to_string(i)));
  const auto events = log.events();
  const auto place = [&](const std::string& event) {
    return std::find(events.begin(), events.end(), event);
  };
  EXPECT_EQ(events.front(), "serving");
  for (int i = 0; i < loops(); ++i)
    EXPECT_LT(place("started " + std::to_string(i)), place("post " + std::to_string(i)));
}

TEST_P(EventOrder, WhenServingThrowsNoOtherHandlerRuns) {
  EventLog log;
  TestServer server = serve({.serving = []() -> Action { throw std::runtime_error("not today"); },
                             .loop_started = [&] { log.add("loop_started"); },
                             .opened = [&] { log.add("opened"); },
                             .tick =
                                 [&] {
                                   log.add("tick");
                                   return Tick{};
                                 },
                             .loop_stopped = [&] { log.add("loop_stopped"); }});
  EXPECT_EQ(message_of(server.wait()), "not today");
  EXPECT_EQ(log.events(), std::vector<std::string>());
}

TEST_P(EventOrder, OpenedDataEndedClosed) {
  EventLog log;
  TestServer server = serve({.opened = [&] { log.add("opened"); },
                             .data =
                                 [&](Conn& c, Input& in) {
                                   log.add("data " + std::string(in.view()));
                                   c.write(in.take());
                                 },
                             .ended =
                                 [&] {
                                   log.add("ended");
                                   return Action::close;
                                 },
                             .closed = [&] { log.add("closed"); }});
  Client client = server.connect();
  echo_through(client, "1");
  echo_through(client, "2");
  client.shutdown_write();
  EXPECT_EQ(client.receive_rest().bytes, "");
  ASSERT_TRUE(log.wait_for("closed"));
  EXPECT_EQ(log.events(),
            (std::vector<std::string>{"opened", "data 1", "data 2", "ended", "closed"}));
}

// Counts how deep handlers are nested on one thread.
struct Inside {
  static thread_local int depth;
  Inside() { EXPECT_EQ(depth++, 0) << "a handler inside another"; }
  ~Inside() { --depth; }
};
thread_local int Inside::depth = 0;

TEST_P(EventOrder, NoHandlerRunsInsideAnother) {
  EventLog log;
  TestServer server = serve({.limits = {.output_high = 1000, .output_low = 100},
                             .opened =
                                 [](Conn& c) {
                                   const Inside inside;
                                   c.pause();
                                   c.resume();
                                   c.handle().wake();
                                   c.handle().post([](Conn&) { const Inside post; });
                                   c.loop().post([] { const Inside post; });
                                   c.run_after(0s, [] { const Inside timer; });
                                   c.write(pattern(100 * kib));
                                 },
                             .data =
                                 [](Conn& c, Input& in) {
                                   const Inside inside;
                                   if (in.empty()) return;
                                   c.pause();
                                   c.resume();
                                   c.handle().wake();
                                   c.write(pattern(100 * kib));
                                   c.loop().for_each([](Conn& other) { other.handle().wake(); });
                                   c.shutdown_write();
                                   c.abort();
                                   c.close();
                                 },
                             .drained = [] { const Inside inside; },
                             .ended = [] { const Inside inside; },
                             .closed =
                                 [&] {
                                   const Inside inside;
                                   log.add("closed");
                                 },
                             .pre_write = [] { const Inside inside; }});
  Client client = server.connect();
  client.receive(100 * kib);
  client.send("x");
  EXPECT_TRUE(log.wait_for("closed"));
}

TEST_P(EventOrder, EverythingOfAConnectionRunsOnItsLoopsThread) {
  EventLog log;
  const auto note = [&](Loop& loop, const char* what) {
    if (*loop.context<std::thread::id>() == std::this_thread::get_id()) return;
    log.add(std::string(what) + " on another thread");
  };
  TestServer server = serve(
      {.loop_started =
           [](Loop& loop) { loop.emplace_context<std::thread::id>(std::this_thread::get_id()); },
       .opened =
           [&](Conn& c) {
             note(c.loop(), "opened");
             c.run_after(0s, [&](Conn& conn) { note(conn.loop(), "timer"); });
             c.handle().post([&](Conn& conn) { note(conn.loop(), "post"); });
           },
       .data =
           [&](Conn& c, Input& in) {
             note(c.loop(), "data");
             c.write(in.take());
           },
       .closed =
           [&](Conn& c, std::error_code) {
             note(c.loop(), "closed");
             log.add("closed");
           },
       .loop_stopped = [&](Loop& loop) { note(loop, "loop_stopped"); }});
  for (int i = 0; i < 8; ++i) {
    Client client = server.connect();
    EXPECT_EQ(echo_through(client, "x"), "x");
  }
  ASSERT_TRUE(log.wait_for("closed", 8));
  server.stop();
  EXPECT_EQ(log.size(), 8U);
}

TEST_P(EventOrder, LoopsAreNamedThreadsAndTheFirstIsTheCallers) {
  std::mutex mutex;
  std::set<std::string> names;
  std::set<std::thread::id> threads;
  std::atomic<bool> caller{false};
  const auto serving_thread = std::make_shared<std::thread::id>();
  TestServer server = serve({.serving = [=] { *serving_thread = std::this_thread::get_id(); },
                             .loop_started =
                                 [&](Loop& loop) {
                                   char name[16] = "";
                                   pthread_getname_np(pthread_self(), name, sizeof name);
                                   const std::lock_guard lock(mutex);
                                   threads.insert(std::this_thread::get_id());
                                   if (loop.index() > 0) names.insert(name);
                                   if (loop.index() == 0)
                                     caller = std::this_thread::get_id() == *serving_thread;
                                 }});
  server.stop();
  EXPECT_TRUE(caller);
  EXPECT_EQ(threads.size(), static_cast<std::size_t>(loops()));
  EXPECT_EQ(names, loops() == 1 ? std::set<std::string>{}
                                : (std::set<std::string>{"evio-1", "evio-2", "evio-3"}));
}

// Records when and on which thread it was destroyed.
struct Mourned {
  EventLog* log = nullptr;
  std::string name;
  std::thread::id thread = std::this_thread::get_id();

  Mourned(EventLog& to, std::string called) : log(&to), name(std::move(called)) {}
  Mourned(const Mourned&) = delete;
  ~Mourned() {
    log->add(name + (thread == std::this_thread::get_id() ? " dies" : " dies on another thread"));
  }
};

TEST_P(EventOrder, ContextsAreDestroyedAfterTheLastCallOnTheSameThread) {
  EventLog log;
  TestServer server =
      serve({.loop_started =
                 [&](Loop& loop) {
                   if (loop.index() == loops() - 1) loop.emplace_context<Mourned>(log, "loop");
                 },
             .opened =
                 [&](Conn& c) {
                   c.emplace_context<Mourned>(log, "conn");
                   c.values().set("named", std::make_shared<Mourned>(log, "value"));
                 },
             .closed =
                 [&](Conn& c, std::error_code) {
                   EXPECT_NE(c.context<Mourned>(), nullptr);
                   EXPECT_EQ(c.context<int>(), nullptr) << "of another type";
                   EXPECT_NE(c.values().get<std::shared_ptr<Mourned>>("named"), nullptr);
                   EXPECT_EQ(c.values().get<int>("named"), nullptr) << "of another type";
                   log.add("closed");
                 },
             .loop_stopped =
                 [&](Loop& loop) {
                   if (loop.context<Mourned>()) log.add("loop_stopped");
                 }});
  Client client = server.connect();
  client.close();
  ASSERT_TRUE(log.wait_for("value dies"));
  server.stop();
  EXPECT_EQ(log.events(), (std::vector<std::string>{"closed", "conn dies", "value dies",
                                                    "loop_stopped", "loop dies"}));
}

TEST_P(EventOrder, TickRunsImmediatelyAndThenAfterTheReturnedDelay) {
  EventLog log;
  std::chrono::steady_clock::time_point last{};
  TestServer server = serve({.tick = [&](Loop&) {
    const auto now = std::chrono::steady_clock::now();
    EXPECT_TRUE(log.size() == 0 || now - last >= 5ms) << "early";
    last = now;
    log.add("tick");
    return log.size() < 4 ? Tick{5ms} : Tick{-1ns};
  }});
  ASSERT_TRUE(log.wait_for("tick", 4));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(log.count("tick"), 4U) << "a negative delay ends it";
}

TEST_P(EventOrder, NowIsConstantInAHandlerAndNeverGoesBack) {
  EventLog log;
  std::chrono::steady_clock::time_point last{};
  TestServer server = serve({.data = [&](Conn& c, Input& in) {
    const auto now = c.loop().now();
    EXPECT_LE(now, std::chrono::steady_clock::now());
    std::this_thread::sleep_for(1ms);
    EXPECT_EQ(c.loop().now(), now);
    EXPECT_GE(now, last);
    last = now;
    c.write(in.take());
  }});
  Client client = server.connect();
  for (int i = 0; i < 5; ++i) echo_through(client, "x");
}

TEST_P(EventOrder, AConnectionKnowsItsAddressesLoopServerAndId) {
  EventLog log;
  std::mutex mutex;
  std::set<std::uint64_t> ids;
  Server* self = nullptr;
  TestServer server = serve({.serving = [&](Server& serving) { self = &serving; },
                             .opened =
                                 [&](Conn& c) {
                                   EXPECT_EQ(&c.server(), self);
                                   EXPECT_EQ(&self->loop(c.loop().index()), &c.loop());
                                   EXPECT_EQ(c.handle().id(), c.id());
                                   EXPECT_EQ(c.pending_output(), 0U);
                                   log.add(std::to_string(c.address_index()) + ": " +
                                           c.local().to_string() + " < " + c.remote().to_string());
                                   const std::lock_guard lock(mutex);
                                   EXPECT_TRUE(ids.insert(c.id()).second) << "a number used again";
                                 }},
                            "tcp://127.0.0.1:0", "tcp://:0");
  for (std::size_t index = 0; index < 2; ++index)
    for (int i = 0; i < 4; ++i) {
      Client client = server.connect({}, index);
      const std::string server_end = "tcp://127.0.0.1:" + std::to_string(server.port(index));
      const std::string client_end = "tcp://127.0.0.1:" + std::to_string(client.port());
      EXPECT_TRUE(log.wait_for(std::to_string(index) + ": " + server_end + " < " + client_end))
          << log.events().back();
    }
}

TEST_P(EventOrder, TheDescriptorIsClosedAfterClosed) {
  EventLog log;
  TestServer server = serve(
      {.opened = [&](Conn& c) { log.add(c.local().to_string() + " < " + c.remote().to_string()); },
       .closed =
           [&](Conn& c, std::error_code) {
             log.add(c.local().to_string() + " < " + c.remote().to_string());
             EXPECT_TRUE(c.native_handle() < 0 || ::fcntl(c.native_handle(), F_GETFD) >= 0);
           }});
  for (const bool by_reset : {false, true}) {
    log.clear();
    Client client = server.connect();
    by_reset ? client.reset() : client.close();
    ASSERT_TRUE(eventually([&] { return log.size() == 2; }));
    EXPECT_EQ(log.events()[0], log.events()[1]);
  }
}

}  // namespace
}  // namespace evio::test
