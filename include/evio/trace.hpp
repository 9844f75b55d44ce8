// Trace: what Events::trace reports.
#pragma once

#include <cstdint>
#include <evio/address.hpp>
#include <evio/duration.hpp>
#include <evio/export.hpp>
#include <string_view>
#include <system_error>

namespace evio { inline namespace v0 {

/// An event that an operator may want to know of and that no other handler reports. Valid during
/// the call: copy what you need for longer.
struct Trace {
  /// What happened.
  enum class What : std::uint8_t {
    /// Accepting failed for lack of descriptors or memory (`error`); it is tried again after
    /// `duration`.
    accept_failed,
    /// Accepting pauses because a limit was reached (`message` is its name).
    accepting_rests,
    /// A connection was closed before `opened` (`error`): its peer has too many, or the server is
    /// stopping.
    refused,
    /// A connection ended with an error (`error`).
    closed,
    /// An exception left a handler, a post or a timer (`message`).
    exception,
    /// Reading paused on this loop because a limit was reached (`message` is its name).
    limit_reached,
    /// A batch of events took `duration`, more than Stats::slow.
    slow_batch,
    /// The host of `peer` could not be looked up (`error`).
    lookup_failed,
  };

  /// What happened.
  What what{};
  /// The index of the loop on whose thread this is called; -1: the thread that only accepts.
  int loop = 0;
  /// Conn::id of the connection; 0 if none is concerned.
  std::uint64_t connection = 0;
  /// The server's address that is concerned; empty if none is.
  Address local{};
  /// The peer's address; empty if it is not known.
  Address peer{};
  /// The reason; empty if no error is the reason.
  std::error_code error{};
  /// How long it took or will take; zero where nothing was measured.
  Duration duration{};
  /// what() of an exception, or the name of a limit, such as "Limits::memory_max"; otherwise empty.
  std::string_view message{};
};

/// The name of the enumerator, such as "accept_failed".
EVIO_API std::string_view name_of(Trace::What what) noexcept;

}}  // namespace evio::v0
