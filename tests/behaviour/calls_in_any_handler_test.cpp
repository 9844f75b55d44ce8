// close, abort, detach, shutdown, an exception and a peer's reset work in every handler: the
// connection ends once and as specified, the other connections continue, and so does the server
// unless it is told to stop.
#include <atomic>
#include <functional>
#include <mutex>
#include <stdexcept>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class CallsInAnyHandler : public Behaviour {};
EVIO_ON_EVERY_BACKEND(CallsInAnyHandler);

// The events of two connections, the victim and the bystander; one handler of the victim acts. The
// first bytes of a connection tell the victim ("v") from the bystander ("b"). `opened` runs before
// they arrive: there the first connection is the bystander's.
struct Scene {
  EventLog log;
  std::string where;
  std::function<Action(Conn*)> act;

  Action in(const std::string& handler, Conn& c) {
    if (c.id() == bystander_id) return Action::none;
    log.add(handler);
    return handler == where ? act(&c) : Action::none;
  }

  std::atomic<std::uint64_t> bystander_id{0};
  std::atomic<int> opened{0}, closed{0}, detached{0};
  std::mutex mutex;
  std::string errors;  // the errors of `closed`, without the bystander's
};

Events events_of(Scene& scene) {
  return {.limits = {.output_high = 16 * kib, .output_low = 4 * kib, .linger_timeout = 50ms},
          .options = {.send_buffer = 8192},
          .opened =
              [&scene](Conn& c) {
                if (++scene.opened == 1) scene.bystander_id = c.id();
                return scene.in("opened", c);
              },
          .data =
              [&scene](Conn& c, Input& in) {
                if (c.id() == scene.bystander_id) {
                  c.write(in.take());
                  return Action::none;
                }
                in.take();
                c.write(pattern(mib));  // so that `drained` will run
                return scene.in("data", c);
              },
          .drained = [&scene](Conn& c) { return scene.in("drained", c); },
          .ended =
              [&scene](Conn& c, Input&) {
                const Action wanted = scene.in("ended", c);
                if (wanted == Action::none) c.close();
                return wanted;
              },
          .closed =
              [&scene](Conn& c, std::error_code error) {
                ++scene.closed;
                if (c.id() != scene.bystander_id) {
                  const std::lock_guard lock(scene.mutex);
                  scene.errors += error ? error.message() : "none";
                }
                return scene.in("closed", c);
              },
          .detached =
              [&scene](Conn& c, Socket) {
                ++scene.detached;
                return scene.in("detached", c);
              }};
}

// Runs a client's steps until the server has closed its connection.
void play(Client& victim) {
  try {
    victim.send("v");
    victim.receive(mib);
    victim.shutdown_write();
    victim.receive_rest();
  } catch (const std::exception&) {
  }
  victim.close();
}

// Runs both clients and expects the bystander to be served to the end; returns how the victim was
// closed, or "detached".
std::string outcome(const Behaviour&, Scene& scene, TestServer& server,
                    const std::function<void(Client&)>& part = play) {
  Client bystander = server.connect();
  EXPECT_EQ(echo_through(bystander, "before"), "before");
  {
    Client victim = server.connect(tiny);
    part(victim);
  }
  EXPECT_TRUE(eventually([&] { return scene.closed + scene.detached == 1 || server.ended(); }))
      << scene.where;
  EXPECT_EQ(echo_through(bystander, "after"), "after") << scene.where;
  Client next = server.connect();
  next.close();
  server.stop();
  EXPECT_EQ(scene.opened, scene.closed + scene.detached) << scene.where;
  const std::lock_guard lock(scene.mutex);
  return scene.detached == 1 ? "detached" : scene.errors;
}

const std::vector<std::string> stream_handlers{"opened", "data", "drained", "ended"};

TEST_P(CallsInAnyHandler, CloseWorks) {
  for (const bool by_return : {true, false})
    for (const std::string& where : stream_handlers) {
      Scene scene;
      scene.where = where;
      scene.act = [&](Conn* c) {
        if (!by_return) c->close();
        return by_return ? Action::close : Action::none;
      };
      TestServer server = serve(events_of(scene));
      const std::string how = outcome(*this, scene, server);
      // The first connection is the victim's; `next` ends in an orderly way, too.
      EXPECT_TRUE(how.starts_with("none")) << where << ": " << how;
    }
}

TEST_P(CallsInAnyHandler, AbortWorks) {
  for (const std::string& where : stream_handlers) {
    Scene scene;
    scene.where = where;
    scene.act = [](Conn* c) {
      c->abort();
      EXPECT_FALSE(c->is_open());
      return Action::none;
    };
    TestServer server = serve(events_of(scene));
    const std::string how = outcome(*this, scene, server);
    EXPECT_TRUE(how.starts_with("none")) << where << ": " << how;
  }
}

TEST_P(CallsInAnyHandler, DetachIsTheLastHandler) {
  for (const std::string& where : stream_handlers) {
    Scene scene;
    scene.where = where;
    scene.act = [&](Conn*) { return scene.detached == 0 ? Action::detach : Action::none; };
    TestServer server = serve(events_of(scene));
    EXPECT_EQ(outcome(*this, scene, server), "detached") << where;
  }
}

TEST_P(CallsInAnyHandler, CloseAndDetachHaveNoEffectInClosed) {
  for (const Action action : {Action::close, Action::detach}) {
    Scene scene;
    scene.where = "closed";
    scene.act = [&](Conn* c) {
      c->close();
      c->abort();
      c->pause();
      c->resume();
      c->shutdown_write();
      EXPECT_FALSE(c->write("dropped"));
      c->handle().wake();
      c->run_after(0s, [] { ADD_FAILURE() << "after closed"; });
      return action;
    };
    TestServer server = serve(events_of(scene));
    EXPECT_TRUE(outcome(*this, scene, server).starts_with("none"));
    EXPECT_EQ(scene.detached, 0);
  }
}

TEST_P(CallsInAnyHandler, AnExceptionIsPassedToFailedAndClosesOnlyItsConnection) {
  for (const std::string where : {"opened", "data", "drained", "ended", "closed", "detached"}) {
    Scene scene;
    EventLog failures;
    std::atomic<bool> thrown{false};
    scene.where = where == "detached" ? "data" : where;
    scene.act = [&](Conn*) -> Action {
      if (where == "detached") return Action::detach;
      if (thrown.exchange(true)) return Action::none;
      throw std::runtime_error("fault");
    };
    Events events = events_of(scene);
    events.failed = [&](Conn* c, std::exception_ptr error) {
      EXPECT_NE(c, nullptr);
      failures.add(message_of(error));
    };
    if (where == "detached") {
      events.detached = [&](Conn&, Socket) {
        ++scene.detached;
        throw std::runtime_error("fault");
      };
    }
    TestServer server = serve(std::move(events));
    const std::string how = outcome(*this, scene, server);
    EXPECT_EQ(failures.events(), std::vector<std::string>{"fault"}) << where;
    const std::string failed = make_error_code(Errc::handler_failed).message();
    EXPECT_TRUE(how.starts_with(where == "closed"     ? "none"
                                : where == "detached" ? "detached"
                                                      : failed))
        << where << how;
  }
}

TEST_P(CallsInAnyHandler, AnExceptionWithoutFailedClosesOnlyItsConnection) {
  for (const std::string where : {"opened", "data", "drained", "ended", "closed", "detached"}) {
    Scene scene;
    std::atomic<bool> thrown{false};
    scene.where = where == "detached" ? "data" : where;
    scene.act = [&](Conn*) -> Action {
      if (where == "detached") return Action::detach;
      if (thrown.exchange(true)) return Action::none;
      throw std::runtime_error("fault in " + where);
    };
    Events events = events_of(scene);
    if (where == "detached")
      events.detached = [&](Conn&, Socket) {
        ++scene.detached;
        throw std::runtime_error("fault in " + where);
      };
    TestServer server = serve(std::move(events));
    const std::string how = outcome(*this, scene, server);
    EXPECT_TRUE(how.starts_with(where == "closed" ? "none"
                                : where == "detached"
                                    ? "detached"
                                    : make_error_code(Errc::handler_failed).message()))
        << where << how;
    EXPECT_EQ(server->stats().exceptions, 1U) << where;
  }
}

TEST_P(CallsInAnyHandler, AnExceptionOfAnyTypeClosesOnlyItsConnection) {
  TestServer server = serve({.data = [](Conn& c, Input& in) {
    if (in.view() == "x") throw 42;
    c.write(in.take());
  }});
  Client bystander = server.connect(), client = server.connect();
  client.send("x");
  EXPECT_EQ(client.receive_rest().bytes, "");
  EXPECT_EQ(echo_through(bystander, "after"), "after");
  EXPECT_EQ(server->stats().closed_as(CloseReason::handler_failed), 1U);
}

TEST_P(CallsInAnyHandler, TheFirstOfSeveralExceptionsIsRethrown) {
  TestServer server =
      serve({.tick = []() -> Tick { throw std::runtime_error("first"); },
             .loop_stopped = [] { throw std::runtime_error("from loop_stopped"); }});
  EXPECT_EQ(message_of(server.wait()), "first");
}

// Every callback of a server that can throw without a connection.
void run_with_a_throw(const Behaviour&, const std::string& where, Events& events) {
  const auto fault = [where] { throw std::runtime_error("fault in " + where); };
  if (where == "loop_started") events.loop_started = fault;
  if (where == "loop_stopped") events.loop_stopped = fault;
  if (where == "pre_write") events.pre_write = fault;
  if (where == "tick")
    events.tick = [fault]() -> Tick {
      fault();
      return {};
    };
  if (where == "post")
    events.serving = [fault](Server& server) { server.loop(server.loops() - 1).post(fault); };
  if (where == "timer") events.loop_started = [fault](Loop& loop) { loop.run_after(0s, fault); };
  if (where == "run_every")
    events.loop_started = [fault](Loop& loop) { loop.run_every(1ms, fault); };
  if (where == "conn timer") events.opened = [fault](Conn& c) { c.run_after(0s, fault); };
  if (where == "conn deadline") events.opened = [fault](Conn& c) { c.set_deadline(0s, fault); };
  if (where == "completion")
    events.opened = [fault](Conn& c) { c.handle().send(SharedBytes("!"), fault); };
  if (where == "handle post") events.opened = [fault](Conn& c) { c.handle().post(fault); };
  if (where == "for_each") events.opened = [fault](Conn& c) { c.server().for_each(fault); };
}
const std::vector<std::string> other_places{
    "loop_started", "pre_write",     "tick",        "post",     "timer",     "run_every",
    "conn timer",   "conn deadline", "handle post", "for_each", "completion"};

bool of_a_connection(const std::string& where) {
  return where == "conn timer" || where == "conn deadline" || where == "handle post" ||
         where == "for_each" || where == "completion";
}

TEST_P(CallsInAnyHandler, AnExceptionWithoutAConnectionIsRethrown) {
  for (const std::string& where : other_places) {
    if (of_a_connection(where)) continue;
    Events events{.limits = {.linger_timeout = 50ms},
                  .data = [](Conn& c, Input& in) { c.write(in.take()); }};
    run_with_a_throw(*this, where, events);
    TestServer server = serve(std::move(events));
    try {
      Client client = server.connect();
      client.send("x");
      client.receive_rest();
    } catch (const std::system_error&) {  // the server may have ended
    }
    EXPECT_EQ(message_of(server.wait()), "fault in " + where);
  }
}

TEST_P(CallsInAnyHandler, AnExceptionInACallbackOfAConnectionClosesOnlyIt) {
  for (const std::string& where : other_places) {
    if (!of_a_connection(where)) continue;
    EventLog log;
    Events events{.limits = {.linger_timeout = 50ms},
                  .data = [](Conn& c, Input& in) { c.write(in.take()); },
                  .closed = [&](Conn&, std::error_code error) { log.add(error.message()); }};
    run_with_a_throw(*this, where, events);
    TestServer server = serve(std::move(events));
    for (int i = 0; i < 2; ++i) {
      Client client = server.connect();
      client.receive_rest();
      EXPECT_TRUE(log.wait_for(make_error_code(Errc::handler_failed).message(),
                               static_cast<std::size_t>(i) + 1))
          << where;
    }
    EXPECT_EQ(message_of(server.stop()), "") << where;
  }
}

TEST_P(CallsInAnyHandler, AnExceptionInOtherCallbacksIsPassedToFailed) {
  for (const std::string& where : other_places) {
    EventLog failures;
    Events events{.limits = {.linger_timeout = 50ms},
                  .data = [](Conn& c, Input& in) { c.write(in.take()); },
                  .failed =
                      [&](Conn* c, std::exception_ptr error) {
                        EXPECT_EQ(c != nullptr, of_a_connection(where)) << where;
                        failures.add(message_of(error));
                      }};
    run_with_a_throw(*this, where, events);
    TestServer server = serve(std::move(events));
    Client client = server.connect();
    client.send("x");
    EXPECT_TRUE(failures.wait_for("fault in " + where));
    EXPECT_FALSE(server.ended());
    EXPECT_EQ(message_of(server.stop()), "") << where;
  }
}

TEST_P(CallsInAnyHandler, AnExceptionInLoopStoppedOrFailedIsRethrown) {
  {
    TestServer server = serve({.loop_stopped = [] { throw std::runtime_error("at the end"); }});
    EXPECT_EQ(message_of(server.stop()), "at the end");
  }
  TestServer server =
      serve({.data = [] { throw std::runtime_error("fault"); },
             .failed = []() -> Action { throw std::runtime_error("from failed"); }});
  Client client = server.connect();
  client.send("x");
  EXPECT_EQ(message_of(server.wait()), "from failed");
}

TEST_P(CallsInAnyHandler, AnExceptionInTheBalanceFunctionIsReported) {
  if (loops() == 1) return;  // the balance function is not called
  Events events = echo();
  events.balance = [](std::span<const LoopLoad>, const Address&) -> std::size_t {
    throw std::runtime_error("fault");
  };
  TestServer server = serve(std::move(events));
  try {
    Client client = server.connect();
    client.receive_rest();
  } catch (const std::system_error&) {
  }
  EXPECT_EQ(message_of(server.wait()), "fault");
}

TEST_P(CallsInAnyHandler, APeerMayResetDuringEveryHandler) {
  for (const std::string where : {"opened", "data", "drained", "ended", "closed", "detached"}) {
    Scene scene;
    Client victim = Client::unconnected(tiny);
    Gate connected;  // and the victim is known to the handlers
    std::atomic<bool> reset{false};
    scene.where = where;
    scene.act = [&](Conn* c) {
      EXPECT_TRUE(connected.wait());
      if (reset.exchange(true)) return Action::none;
      victim.reset();
      c->write(pattern(100 * kib));
      c->pause();
      c->resume();
      c->handle().wake();
      return Action::none;
    };
    Events events = events_of(scene);
    if (where == "detached") {
      events.data = [&](Conn& c, Input& in) {
        if (c.id() != scene.bystander_id) return Action::detach;
        c.write(in.take());
        return Action::none;
      };
    }
    TestServer server = serve(std::move(events));
    const OpensAtEnd let_go(connected);
    Client bystander = server.connect();
    EXPECT_EQ(echo_through(bystander, "before"), "before");
    victim.connect(server.port());
    if (where != "opened") victim.send("v");
    while (where == "drained" && scene.log.count(where) == 0)
      if (!victim.silent()) victim.receive_some(1000);
    if (where == "ended" || where == "closed") victim.receive(mib);
    if (where == "ended" || where == "closed") victim.shutdown_write();
    connected.open();
    EXPECT_TRUE(eventually([&] { return scene.closed + scene.detached == 1; })) << where;
    EXPECT_EQ(echo_through(bystander, "after"), "after") << where;
    server.stop();
    EXPECT_EQ(scene.opened, scene.closed + scene.detached) << where;
  }
}

TEST_P(CallsInAnyHandler, APeerMaySendAndResetDuringOpened) {
  EventLog log;
  TestServer server = serve({.opened = [] { std::this_thread::sleep_for(50ms); },
                             .closed =
                                 [&](Conn&, std::error_code error) {
                                   EXPECT_EQ(error, std::errc::connection_reset);
                                   log.add("closed");
                                 }});
  Client client = server.connect();
  client.send("never answered");
  client.reset();
  EXPECT_TRUE(log.wait_for("closed"));
}

}  // namespace
}  // namespace evio::test
