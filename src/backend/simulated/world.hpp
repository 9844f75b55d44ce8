// The state that all parts of a simulated world share: time, random numbers, faults, scheduled
// events, and the record of what happened.
#pragma once

#include <cstdint>
#include <evio/duration.hpp>
#include <evio/faults.hpp>
#include <evio/simulation_stats.hpp>
#include <optional>
#include <string>
#include <vector>

#include "backend/simulated/chance.hpp"

namespace evio { inline namespace v0 { namespace detail {

using namespace sim;

// A part of the world that schedules events.
class Timed {
 public:
  virtual void due(std::uint64_t what) = 0;

 protected:
  ~Timed() = default;
};

// What the trace records. The texts are in world.cpp.
enum class Note : std::uint8_t {
  fault,
  connects,
  refused,
  accepts,
  moves,
  ends,
  breaks,
  receives,
  sends,
  sent,
  closes,
  closed,
  detached,
  run_once,
  datagram,
  jumps,
};

class World {
 public:
  World(std::uint64_t seed, const Faults& faults);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Chance chance;
  SimulationStats stats;

  // Decides at random whether the fault happens now, and counts it.
  bool happens(Fault fault);

  Duration now() const noexcept { return now_; }
  // Advances the time. Events that become due wait for run_due().
  void advance(Duration time) noexcept { now_ += time; }
  void advance_to(Duration time) noexcept;
  // When the last event was run.
  Duration last_event() const noexcept { return last_event_; }

  // Registers a part and returns its number for schedule(). After leave() no more of its events are
  // run.
  std::uint32_t join(Timed& timed);
  void leave(std::uint32_t name) noexcept { members_[name] = nullptr; }
  void schedule(std::uint32_t name, Duration at, std::uint64_t what);
  std::optional<Duration> next() const noexcept;
  void run_due();
  // Advances the time, and runs each event that becomes due at its own time.
  void pass(Duration time);

  // Adds an entry to the fingerprint, and to the trace if it is being recorded. Two runs with equal
  // fingerprints were the same.
  void note(Note note, std::uint64_t subject, std::uint64_t object = 0) {
    fingerprint_ =
        (fingerprint_ ^ (static_cast<std::uint64_t>(note) << 56 ^ subject << 32 ^ object)) *
        0x100000001b3;
    fingerprint_ = (fingerprint_ ^ static_cast<std::uint64_t>(now_.count())) * 0x100000001b3;
    if (recording) write(note, subject, object);
  }
  std::uint64_t fingerprint() const noexcept { return fingerprint_; }
  const std::string& trace() const noexcept { return trace_; }
  bool recording = false;

 private:
  struct Event {
    Duration at;
    std::uint64_t order;  // events of the same time run in the order in which they were scheduled
    std::uint64_t what;
    std::uint32_t member;
  };
  static bool later(const Event& a, const Event& b) noexcept {
    return a.at != b.at ? a.at > b.at : a.order > b.order;
  }

  void begin_phase();
  void write(Note note, std::uint64_t subject, std::uint64_t object);

  Faults faults_;
  std::uint32_t off_ = 0;  // a bit for each fault that is off in this phase
  Duration phase_ends_{};
  Duration now_ = std::chrono::seconds(1);
  Duration last_event_{};
  std::vector<Timed*> members_;
  std::vector<Event> agenda_;  // a heap; the next event is the first element
  std::uint64_t scheduled_ = 0;
  std::uint64_t fingerprint_ = 0xcbf29ce484222325;
  std::string trace_;
};

}}}  // namespace evio::v0::detail
