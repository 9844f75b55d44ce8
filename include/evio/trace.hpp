// What Events::trace is called with.
#pragma once

#include <cstdint>
#include <evio/address.hpp>
#include <evio/duration.hpp>
#include <evio/export.hpp>
#include <string_view>
#include <system_error>

namespace evio { inline namespace v0 {

/// Something that an operator may want to know of and that no handler is called for. Valid during
/// the call.
struct Trace {
  /// What happened.
  enum class What : std::uint8_t {
    accept_failed,    ///< accepting failed for want of something (`error`); it is tried again after
                      ///< `duration`
    accepting_rests,  ///< no more is accepted for now: a limit was reached (`message` names it)
    refused,  ///< a connection was closed before `opened` (`error`): its peer has too many, or the
              ///< server stops
    closed,   ///< a connection ended with an error
    exception,      ///< an exception left a handler, post or timer (`message`)
    limit_reached,  ///< reading paused on this loop: a limit was reached (`message` names it)
    slow_batch,     ///< a batch of events took `duration`, more than Stats::slow
    lookup_failed,  ///< the host of `peer` could not be looked up
  };

  What what{};  ///< which of these
  int loop =
      0;  ///< index of the loop on whose thread this is called; -1: the one that only accepts
  std::uint64_t connection = 0;  ///< Conn::id; 0: it concerns none
  Address local{};               ///< the address of the server concerned; empty if none is
  Address peer{};                ///< empty if none is known
  std::error_code error{};       ///< why; empty where no error is the reason
  Duration duration{};           ///< how long; zero where nothing was measured
  std::string_view
      message{};  ///< what() of an exception, or a limit, such as "Limits::memory_max"; else empty
};

/// Its enumerator's name.
EVIO_API std::string_view name_of(Trace::What what) noexcept;

}}  // namespace evio::v0
