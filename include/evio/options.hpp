// Options of connections, and the limits that bound a server's memory and waiting times.
#pragma once

#include <cstddef>
#include <evio/address.hpp>
#include <evio/duration.hpp>
#include <optional>

namespace evio { inline namespace v0 {

/// Options of a connection: set for a whole service in Events::options, for one connection by
/// Conn::set. An unset field keeps the system's default, except no_delay, which is then on. The
/// options of a service are set on its listening socket where accepted sockets inherit them, so
/// they cost no system call for each connection.
///
///     .options = {.keep_alive = 30s, .idle_timeout = 5min}
///
/// Making a Server, on() and Conn::set throw an Error that names the field for: a negative time, a
/// probe time below 1 second or above 32,767 seconds (keep_alive may be 0), a keep_alive_count that
/// is not 1 to 127, bits of file_mode beyond 07777, and a source that is not an IP address.
struct Options {
  /// Sends a TCP keep-alive probe to a peer that was silent for this long (RFC 9293, section
  /// 3.8.4); whole seconds, 0: off. It finds peers that vanished without a FIN, for example behind
  /// a NAT that forgot the connection. Costs a packet for each idle connection and period.
  std::optional<Duration> keep_alive{};
  /// TCP_NODELAY: sends small writes at once, without Nagle's algorithm (RFC 9293, section 3.7.4).
  /// Unset: on. Off saves packets for a protocol that writes many small pieces and does not wait
  /// for answers; with request and response it adds delays.
  std::optional<bool> no_delay{};
  /// Closes the connection with Errc::idle_timeout when no byte was transferred in either direction
  /// for this long; 0: never. Unset: never. Time in which the server itself does not read, such as
  /// after Conn::pause, does not count.
  std::optional<Duration> idle_timeout{};
  /// TCP_QUICKACK: acknowledges received data at once instead of delaying the acknowledgement. The
  /// kernel may leave this mode later by itself.
  std::optional<bool> quick_ack{};
  /// The kernel's receive buffer, bytes (SO_RCVBUF). Linux doubles the value, and no longer adapts
  /// the size to the connection.
  std::optional<std::size_t> receive_buffer{};
  /// The kernel's send buffer, bytes (SO_SNDBUF). Linux doubles the value, and no longer adapts the
  /// size to the connection.
  std::optional<std::size_t> send_buffer{};
  /// Continues to read while more than Limits::output_high bytes of output wait. Unset: off, so a
  /// peer that sends requests but reads no responses is slowed down instead of filling the memory.
  /// Turn it on for protocols in which input and output are independent, such as a proxy.
  std::optional<bool> read_when_congested{};
  /// The time between further keep-alive probes, whole seconds. Unset: a tenth of keep_alive, at
  /// least 1 second, so that a dead peer is noticed soon after the first probe.
  std::optional<Duration> keep_alive_interval{};
  /// How many probes remain unanswered before the connection ends with std::errc::timed_out. Unset:
  /// 3.
  std::optional<int> keep_alive_count{};
  /// The permissions of a unix socket's file, as for chmod(2). Unset: as the umask leaves them.
  /// They are set before anybody can connect. Without effect on abstract names, which are not
  /// files.
  std::optional<unsigned> file_mode{};
  /// Outgoing tcp and udp connections leave from this IP address, and from its port unless that is
  /// 0 (any free port). A peer of the other address family then cannot be connected to.
  std::optional<Address> source{};
};

/// Limits that bound memory and waiting times, so that no peer can make the server hold them for
/// ever. Each service (Events) has its own; memory_max and the time of a whole shutdown
/// (drain_timeout) are the server's and come from its first Events.
///
/// Making a Server and on() throw an Error that names the field for: output_low above output_high,
/// a negative time, a negative backlog.
struct Limits {
  /// Input of one connection that handlers have not taken, bytes, and with a codec the size of one
  /// frame. Beyond it the connection closes with Errc::input_overflow or Errc::frame_too_large.
  /// Raise it for protocols with larger messages: it is what each peer can make the server store.
  std::size_t input_max = 1 << 20;
  /// Output of one connection that waits to be sent, bytes, above which it is congested: writes
  /// return WriteResult::congested(), and reading stops unless Options::read_when_congested. Lower
  /// it to save memory with many slow peers; too low a value leaves fast links idle.
  std::size_t output_high = 1 << 20;
  /// The waiting output, bytes, below which a congested connection is read again and `drained`
  /// runs. If you lower output_high alone, output_low becomes a quarter of it.
  std::size_t output_low = 256 << 10;
  /// Output of one connection that waits, bytes, beyond which the connection closes with
  /// Errc::output_overflow and the output is lost. The memory of sends through handles that have
  /// not reached the loop yet, and of callbacks of Handle::send that have not run, is bounded by
  /// this number too.
  std::size_t output_max = 64 << 20;
  /// Memory that the whole server may hold, bytes; 0: no bound. Beyond it reading and accepting
  /// pause until it falls to seven eighths. What counts: the memory of output, of sends through
  /// handles, of stored input, and what protocols report by Conn::set_held (http and websocket do).
  /// Set an idle_timeout with it: stored input that waits for the rest of a message counts until
  /// the connection closes.
  std::size_t memory_max = 0;
  /// Open accepted connections of the service; 0: no bound. Further ones wait in the kernel's
  /// backlog until one closes. With several accepting loops the bound may be exceeded briefly.
  std::size_t connections_max = 0;
  /// How long a closing connection may send nothing of its output before it ends with
  /// Errc::drain_timeout. The first Events' value is also the time of a whole Server::shutdown.
  Duration drain_timeout = std::chrono::seconds(5);
  /// How long Conn::close waits, once all output was sent, for the peer to end its side.
  Duration linger_timeout = std::chrono::seconds(1);
  /// How long an outgoing connect may take, including the look-up of its name and the attempts at
  /// all of its addresses; then it ends with Errc::connect_timeout.
  Duration connect_timeout = std::chrono::seconds(10);
  /// How many completed connections the kernel stores until they are accepted, as for listen(2),
  /// which bounds it by net.core.somaxconn. 0 means one.
  int backlog = 4096;
  /// How many connections the service accepts in a second; 0: no bound. Further ones wait in the
  /// backlog. With ?reuseport=true each accepting loop has an equal share.
  std::size_t accepts_per_second = 0;
  /// Open connections from one IP address, for IPv6 from one /64 network; 0: no bound. Further ones
  /// are closed without calling any handler, and counted in Stats::refused.
  std::size_t connections_per_peer_max = 0;
  /// An accepted connection that has sent nothing for this long closes with
  /// Errc::first_bytes_timeout; 0: never. It may be much shorter than idle_timeout, because it does
  /// not concern peers that pause later. Outgoing connections are not concerned.
  Duration first_bytes_timeout{};
  /// In each period of this length the peer must accept output_low bytes of the waiting output, or
  /// all of it if that is less; otherwise the connection closes with Errc::slow_reader. 0: never.
  /// Without it a peer that reads one byte now and then can hold output_max bytes for ever.
  Duration slow_reader_timeout{};
};

}}  // namespace evio::v0
