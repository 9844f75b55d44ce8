// A fixture with a timer wheel, its clock and a log of the timers that ran.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <evio/conn.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "timer_wheel.hpp"

namespace evio::test {

using namespace detail;

using namespace std::chrono_literals;
using evio::Callback;
using evio::Conn;
using evio::Duration;
using evio::Timer;
using evio::detail::TimerGroup;
using evio::detail::TimerWheel;

struct SomeConn : Conn {
  SomeConn() : Conn(Kind::stream) {}
};

// A wheel with a clock that the test sets.
class TimerWheelTest : public testing::Test {
 protected:
  std::size_t advance(Duration to) {
    now = to;
    return wheel->advance(now, [](TimerWheel::TimerCallback& callback, Conn* conn) {
      if (conn)
        std::get<Callback<void(Conn&)>>(callback)(*conn);
      else
        std::get<Callback<void()>>(callback)();
    });
  }

  // Runs the wheel as a loop without other work would; returns how often it woke up.
  int sleep_until(Duration end) {
    int wakes = 0;
    for (auto next = wheel->next_deadline(); next && *next <= end;
         next = wheel->next_deadline(), ++wakes)
      advance(std::max(now, *next));
    advance(end);
    return wakes;
  }

  // Appends its name to `log`.
  Timer note(Duration delay, std::string name, Duration period = {}) {
    return wheel->run_after(
        delay, [this, name = std::move(name)] { log += name; }, period);
  }

  Duration now{};
  std::shared_ptr<TimerWheel> wheel = std::make_shared<TimerWheel>([this] { return now; });
  std::string log;
};

}  // namespace evio::test
