// A stream of the asynchronous double: the operations that its kernel is executing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "backend/driver.hpp"

namespace evio::test {

using namespace detail;

/// How unhelpful the double's kernel is: the probabilities apply at every step of every operation.
struct Faults {
  double idle = 0.5;           ///< an operation makes no step, or its result is reported later
  double partial_send = 0.5;   ///< a send ends although the socket has room
  double stray_return = 0.25;  ///< poll returns without events although operations are pending
  double reset = 0;            ///< a connection breaks
  double accept_failure = 0;   ///< no descriptor is free for the next connection
};

/// A source of random numbers that depends on its seed alone.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : engine_(seed) {}

  bool operator()(double probability) { return std::bernoulli_distribution(probability)(engine_); }
  /// A number from 1 to `most`.
  std::size_t upto(std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(1, most)(engine_);
  }
  template <class T>
  void shuffle(std::vector<T>& items) {
    std::shuffle(items.begin(), items.end(), engine_);
  }

 private:
  std::mt19937_64 engine_;
};

/// Ends the program, because the double's caller violated a rule.
[[noreturn]] void broke_a_rule(const char* rule);

class AsynchronousStream {
 public:
  AsynchronousStream(int fd, std::uint64_t generation) : generation(generation), fd_(fd) {}
  AsynchronousStream(const AsynchronousStream&) = delete;
  AsynchronousStream& operator=(const AsynchronousStream&) = delete;
  ~AsynchronousStream();

  const std::uint64_t generation;
  int fd() const noexcept { return fd_; }

  // Down calls.
  void check_nothing_in_flight() const;
  void send(std::span<const Chunk> chunks);
  void set_receiving(bool receiving);
  void shutdown_send();
  bool is_drained() const;
  void detach();
  void close(CloseMode mode);
  int release() noexcept;

  // The kernel: the events that it waits for; the events that occurred; and one step of each
  // pending operation, true if another step is possible now. `buffers` is the number that receives
  // may still use.
  std::optional<short> wants() const noexcept;
  void notice(short events);
  bool work(Chance& chance, const Faults& faults, int& buffers);
  bool wants_buffer() const noexcept;
  void land(Chance& chance, int& buffers);

  // What is to be reported next.
  enum class News { none, bytes, end, sent, detached, closed };
  News news() const noexcept;
  std::string take_bytes();
  void take_end() noexcept { end_ = End::reported; }
  std::size_t take_sent();
  std::error_code error() const noexcept;
  int drop_landed() noexcept;

 private:
  enum class Receive { off, armed, stopping };
  enum class End { none, landed, reported };
  enum class Fate { staying, detaching, closing };
  struct Send {
    std::span<const Chunk> chunks;
    std::vector<Chunk> chunks_copy;
    std::string bytes;  // a copy, to detect changes
    std::size_t count = 0;
    bool done = false;
  };

  bool broken() const noexcept { return error_ != 0; }
  bool leaving() const noexcept { return fate_ != Fate::staying || broken(); }
  void check_memory() const;
  bool work_on_receive(Chance& chance, const Faults& faults);
  bool work_on_send(Chance& chance, const Faults& faults);
  bool work_on_shutdown(Chance& chance, const Faults& faults);
  bool work_on_leaving(Chance& chance, const Faults& faults);

  int fd_;
  bool readable_ = false;
  bool writable_ = false;
  bool hung_up_ = false;  // hung up without an error
  Receive receive_ = Receive::off;
  std::deque<std::string> landed_;
  std::size_t landed_late_ = 0;  // bytes received since receiving was stopped
  End end_ = End::none;
  std::optional<Send> send_;
  bool shutdown_due_ = false;
  Fate fate_ = Fate::staying;
  int error_ = 0;
  bool cancelled_ = false;  // no operation is pending any more
};

}  // namespace evio::test
