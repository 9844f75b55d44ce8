// A client connection of the soak test.
#pragma once

#include <poll.h>

#include <chrono>
#include <evio/address.hpp>
#include <string>

#include "script.hpp"

namespace evio::test::soak {

class Client {
 public:
  using Clock = std::chrono::steady_clock;

  /// Connects from an address of its own, so that ports do not run out; throws if that fails.
  Client(const Address& to, const Script& script, Random& random);
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;
  ~Client();

  /// The events to wait for.
  pollfd wanted(Clock::time_point now) const;
  /// Makes progress; false when it has ended, and problem() says what went wrong.
  bool go_on(short events, Clock::time_point now);
  const std::string& problem() const noexcept { return problem_; }
  const Script& script() const noexcept { return script_; }
  std::size_t received() const noexcept { return received_; }

 private:
  bool send_some();
  bool read_some();
  bool ended();
  bool failed(const char* what, int error = 0);
  void leave();

  int fd_ = -1;
  Script script_;
  std::string to_send_, expected_;
  std::size_t sent_ = 0;
  std::size_t received_ = 0;
  bool shut_ = false;
  Clock::time_point reads_at_{};
  Clock::time_point deadline_;
  std::string problem_;
};

}  // namespace evio::test::soak
