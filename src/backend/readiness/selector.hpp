// Selector: the interface to epoll, kqueue or poll, which report when descriptors are ready. All
// other logic of these backends is in ReadinessDriver.
//
// A selector must provide:
//
// - registrations that persist until they are changed, and are level-triggered;
// - a key for each registration, which is reported with each event;
// - reports of hang-ups even if neither reading nor writing is wanted.
//
// A signal may end a wait early.
#pragma once

#include <cstdint>
#include <evio/duration.hpp>
#include <memory>
#include <span>
#include <system_error>

namespace evio { inline namespace v0 { namespace detail {

struct Wanted {
  bool read = false;
  bool write = false;
  friend bool operator==(const Wanted&, const Wanted&) = default;
};

struct Ready {
  std::uint64_t key = 0;
  bool readable = false;
  bool writable = false;
  bool hung_up = false;  // an error, or both directions have ended
};

class Selector {
 public:
  virtual ~Selector() = default;

  // Registers a descriptor, which must not be registered yet, or changes its registration.
  virtual std::error_code add(int fd, Wanted wanted, std::uint64_t key) = 0;
  virtual std::error_code modify(int fd, Wanted wanted, std::uint64_t key) = 0;
  // Does nothing if the descriptor is not registered.
  virtual void remove(int fd) = 0;
  // As remove(), for a descriptor that will be closed next. Closing removes the registration by
  // itself, unless `copied`: a child may have a copy, and the kernel waits for the last one.
  virtual void forget(int fd, bool copied) = 0;
  // Registers an eventfd that ends waits. Returns whether it must be read after each wake-up; if
  // not, each write is reported once. Throws Error.
  virtual bool watch_wakes(int fd, std::uint64_t key) = 0;
  // A descriptor that is readable when a wait would find something; -1 if there is none.
  virtual int fd() const noexcept = 0;
  // Waits at most `timeout` (negative: without a limit), and returns what is ready. The result is
  // valid until the next call.
  virtual std::span<const Ready> wait(Duration timeout) = 0;
  // Whether the last wait has reported everything that was ready; or, after a sequence of
  // incomplete waits, everything that was ready when that sequence began.
  virtual bool complete() const noexcept = 0;
};

std::unique_ptr<Selector> make_epoll();
std::unique_ptr<Selector> make_poll();

}}}  // namespace evio::v0::detail
