// Compares the timer wheel with a list that is sorted whenever time passes.
#include <algorithm>
#include <chrono>
#include <evio/timer.hpp>
#include <memory>
#include <tuple>
#include <variant>
#include <vector>

#include "bytes.hpp"
#include "check.hpp"
#include "timer_wheel.hpp"

namespace {

using evio::Callback;
using evio::Duration;
using evio::Timer;
using evio::detail::TimerWheel;

// Short and long delays.
Duration delay_from(evio::fuzz::Bytes& bytes) {
  const std::uint8_t scale = bytes.byte();
  return Duration(static_cast<Duration::rep>(bytes.word()) << (scale % 34));
}

class Wheel {
 public:
  void arm(Duration delay) {
    const std::size_t id = timers_.size();
    timers_.push_back({});
    note(id, delay);
    timers_[id].timer =
        wheel_->run_after(delay, Callback<void()>([this, id] { ran_.push_back(id); }));
  }
  void cancel(std::size_t which) {
    if (timers_.empty()) return;
    One& one = timers_[which % timers_.size()];
    CHECK(one.timer.active() == one.armed);
    one.timer.cancel();
    one.armed = false;
  }
  void restart(std::size_t which, Duration delay) {
    if (timers_.empty()) return;
    One& one = timers_[which % timers_.size()];
    if (!one.armed) return;
    one.timer.restart(delay);
    note(which % timers_.size(), delay);
  }
  void advance(Duration by) {
    now_ += by;
    ran_.clear();
    wheel_->advance(now_, [](TimerWheel::TimerCallback& callback, evio::Conn*) {
      std::get<Callback<void()>>(callback)();
    });
    CHECK(ran_ == due());
    CHECK(wheel_->size() == armed());
    CHECK(wheel_->next_deadline().has_value() == (armed() > 0));
    CHECK(armed() == 0 || *wheel_->next_deadline() <= earliest());
  }

 private:
  struct One {
    Timer timer{};
    Duration deadline{};
    std::size_t order = 0;
    bool armed = false;
  };

  // No timer runs early; each waits for the end of its tick.
  static Duration tick_of(const One& one) {
    return std::chrono::ceil<std::chrono::milliseconds>(one.deadline);
  }

  void note(std::size_t id, Duration delay) {
    timers_[id].deadline = now_ + delay;
    timers_[id].order = ++orders_;
    timers_[id].armed = true;
  }
  std::vector<std::size_t> due() {
    std::vector<std::size_t> ids;
    for (std::size_t id = 0; id < timers_.size(); ++id)
      if (timers_[id].armed && tick_of(timers_[id]) <= now_) ids.push_back(id);
    std::ranges::sort(ids, {}, [&](std::size_t id) {
      return std::tuple(timers_[id].deadline, timers_[id].order);
    });
    for (const std::size_t id : ids) timers_[id].armed = false;
    return ids;
  }
  std::size_t armed() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(timers_, [](const One& one) { return one.armed; }));
  }
  Duration earliest() const {
    Duration first = Duration::max();
    for (const One& one : timers_)
      if (one.armed) first = std::min(first, tick_of(one));
    return first;
  }

  Duration now_{};
  std::shared_ptr<TimerWheel> wheel_ = std::make_shared<TimerWheel>([this] { return now_; });
  std::vector<One> timers_;
  std::vector<std::size_t> ran_;
  std::size_t orders_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1024) return 0;
  evio::fuzz::Bytes bytes(data, size);
  Wheel wheel;
  while (!bytes.empty()) {
    switch (bytes.byte() % 4) {
      case 0:
        wheel.arm(delay_from(bytes));
        break;
      case 1:
        wheel.cancel(bytes.byte());
        break;
      case 2: {
        const std::size_t which = bytes.byte();
        wheel.restart(which, delay_from(bytes));
        break;
      }
      default:
        wheel.advance(delay_from(bytes));
    }
  }
  wheel.advance(std::chrono::hours(24 * 365));
  return 0;
}
