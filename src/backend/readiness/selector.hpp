// What tells when a descriptor is ready: the only thing in which epoll, kqueue and poll
// differ.
//
// A selector must provide: registrations that persist until changed, level-triggered; a key that
// comes back with each event; hang-ups reported even when nothing is wanted. A signal may end a
// wait early.
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
  bool hung_up = false;  // an error, or both directions ended
};

class Selector {
 public:
  virtual ~Selector() = default;

  virtual std::error_code add(int fd, Wanted wanted, std::uint64_t key) = 0;
  virtual std::error_code modify(int fd, Wanted wanted, std::uint64_t key) = 0;
  // Nothing if it is not watched.
  virtual void remove(int fd) = 0;
  // The same for a descriptor that is about to be closed. `copied`: a child may have a copy, and
  // the kernel forgets a registration by itself with the last copy only.
  virtual void forget(int fd, bool copied) = 0;
  // An eventfd that ends waits. Whether it must be read after each; otherwise every write is told
  // just once. Throws Error if it cannot be had.
  virtual bool watch_wakes(int fd, std::uint64_t key) = 0;
  // Readable when a wait would find something; -1 if there is no such descriptor.
  virtual int fd() const noexcept = 0;
  // What is ready; waits at most `timeout` for something to be (negative: for ever). Valid until
  // the next call.
  virtual std::span<const Ready> wait(Duration timeout) = 0;
  // Whether that was all that was ready; or, after waits that told a part of it, all that was ready
  // before these.
  virtual bool complete() const noexcept = 0;
};

std::unique_ptr<Selector> make_epoll();
std::unique_ptr<Selector> make_poll();

}}}  // namespace evio::v0::detail
