// What goes wrong between the library and the kernel, and how often.
//
// A copy of the library is made whose calls into the kernel are renamed (symbols.txt): they come
// here and are passed on, unless the plan makes them fail or fall short. The calls of the tests
// themselves are not touched.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace evio::test::faults {

enum class Fault : std::size_t {
  interrupted,        // EINTR from a call on a descriptor, or from a wait
  again,              // EAGAIN although there is input, where readiness reports it again
  short_receive,      // fewer bytes than have arrived
  short_send,         // fewer bytes than there is room for
  few_events,         // one event of those that are ready
  accept_aborted,     // ECONNABORTED
  accept_refused,     // EMFILE, ENFILE, ENOBUFS, ENOMEM
  receive_failed,     // ECONNRESET, ETIMEDOUT, ENOMEM
  send_failed,        // ECONNRESET, EPIPE, ENOBUFS, ENOMEM
  datagram_refused,   // ENOBUFS, EPERM
  watch_refused,      // ENOSPC, ENOMEM from epoll_ctl
  multishot_ended,    // io_uring: a multishot operation ends with its first completion
  no_buffers,         // io_uring: a receive finds none
  entry_interrupted,  // io_uring: a receive ends with EINTR
  late_submission,    // io_uring: the kernel accepts only some of the entries
  count
};
inline constexpr std::size_t fault_count = static_cast<std::size_t>(Fault::count);

std::string_view name_of(Fault fault);

struct Plan {
  std::uint64_t seed = 1;
  std::array<double, fault_count> probability{};
  unsigned ring_entries = 0;  // of both of io_uring's queues; 0: as many as the library asks for

  double& operator[](Fault fault) { return probability[static_cast<std::size_t>(fault)]; }
};

/// Faults that a program must not notice: the seed decides which occur and how often.
Plan unnoticeable(std::uint64_t seed);

/// Applies the plan from now on and resets the counts.
void set(const Plan& plan);
/// Injects no more faults.
inline void clear() { set({}); }

/// How often the fault was injected since the last set().
std::uint64_t happened(Fault fault);

// Used by the wrapped calls.
bool happens(Fault fault);
std::uint64_t draw();
unsigned ring_entries();
/// Sets errno to one of the values.
int fail_with(std::initializer_list<int> errors);

}  // namespace evio::test::faults
