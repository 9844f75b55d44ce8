// Settings of connections, and the limits that keep a server's memory and patience bounded.
#pragma once

#include <cstddef>
#include <evio/address.hpp>
#include <evio/duration.hpp>
#include <optional>

namespace evio { inline namespace v0 {

/// Settings of a connection. What is left unset stays as it is: the system's choice, but for
/// no_delay, which is on. Those of a whole service are set on the listening socket, where the
/// kernel passes them on at no cost. An Error that names the field, where a Server is made, by on()
/// and by Conn::set: a negative time, a time of keep-alive probes that is below a second or above
/// 32,767, a keep_alive_count that is not 1 to 127, bits of file_mode beyond 07777, a source that
/// is no IP address.
struct Options {
  std::optional<Duration>
      keep_alive{};                ///< probe a silent peer after this long (whole seconds); 0: off
  std::optional<bool> no_delay{};  ///< send small writes at once (TCP_NODELAY); unset means on
  std::optional<Duration>
      idle_timeout{};               ///< close when no byte moved either way for so long; 0: never
  std::optional<bool> quick_ack{};  ///< acknowledge at once (TCP_QUICKACK)
  std::optional<std::size_t> receive_buffer{};  ///< the kernel's, bytes (SO_RCVBUF)
  std::optional<std::size_t> send_buffer{};     ///< the kernel's, bytes (SO_SNDBUF)
  std::optional<bool>
      read_when_congested{};  ///< go on reading while output is above output_high; unset means off
  std::optional<Duration>
      keep_alive_interval{};  ///< between probes (whole seconds); unset: a tenth of keep_alive, a
                              ///< second at least, so that a dead peer is noticed soon after that
  std::optional<int>
      keep_alive_count{};  ///< unanswered probes after which the peer is gone; unset: 3
  std::optional<unsigned>
      file_mode{};  ///< of a unix socket's file, as chmod(2); unset: as the umask says.
                    ///< Nobody can connect before it is set. Not of abstract names
  std::optional<Address>
      source{};  ///< connects to tcp and udp addresses leave from this IP address (port
                 ///< 0: any port). A peer of the other family cannot be connected to
};

/// Bounds. `drain` and `memory` are the server's (the first Events'); the others are each service's
/// own. An Error that names the field, where a Server is made and by on(): output_low above
/// output_high, a negative time or backlog.
struct Limits {
  std::size_t input_max =
      1 << 20;  ///< untaken input of a connection, bytes; beyond: closed, input_overflow
  std::size_t output_high =
      1 << 20;  ///< output waiting, bytes, above which reading pauses and write returns false
  std::size_t output_low = 256 << 10;  ///< below which reading resumes and `drained` runs; left
                                       ///< alone, a quarter of an output_high that is lower
  std::size_t output_max =
      64 << 20;  ///< output waiting, bytes, beyond which the connection closes, output_overflow;
                 ///< likewise if sends that are on their way, or wait to be told of, take
                 ///< more memory than that
  std::size_t memory_max =
      0;  ///< held by the whole server, bytes; 0: no bound. Beyond it reading and accepting
          ///< pause until it falls. What counts is the memory for output, what is on its
          ///< way through handles, untaken input, and what protocols say that they hold
          ///< (Conn::set_held; http and websocket do). Give it an idle_timeout: input
          ///< that waits for its rest is held, and counts, until the connection closes
  std::size_t connections_max = 0;  ///< open at once; 0: no bound. Further ones wait in the backlog
  Duration drain_timeout =
      std::chrono::seconds(5);  ///< a closing connection without progress; all of a shutdown
  Duration linger_timeout =
      std::chrono::seconds(1);  ///< a closed connection whose peer does not end
  Duration connect_timeout = std::chrono::seconds(10);  ///< a connect, name look-up included
  int backlog = 4096;  ///< connections the kernel keeps before they are accepted; 0: one
  std::size_t accepts_per_second =
      0;  ///< 0: no bound. Further ones wait in the backlog; with
          ///< ?reuseport=true each loop that accepts has an equal share
  std::size_t connections_per_peer_max =
      0;  ///< open at once from one IP address (from one /64 of IPv6); 0: no
          ///< bound. Further ones are closed unseen, and counted as refused
  Duration first_bytes_timeout{};  ///< an accepted connection that has sent nothing so long:
                                   ///< closed, first_bytes_timeout; 0: never
  Duration slow_reader_timeout{};  ///< in every such time output_low bytes of what waits, or all if
                                   ///< less, must leave; else the connection closes, slow_reader;
                                   ///< 0: never
};

}}  // namespace evio::v0
