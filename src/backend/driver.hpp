// The driver's interface: what a loop requests of the kernel (Driver), and what the kernel reports
// to the loop (Sink). platform.hpp is the other interface between the library and the system.
//
// "Down call": a call of the loop to the Driver. "Up call": a call of the driver to the Sink.
//
// A driver belongs to one loop, and is called on that loop's thread. It must provide:
//
// 1. Ids. The caller chooses the ids (small numbers) of streams, listeners and datagram sockets.
//
// 2. Up calls from inside poll() only, never from inside a down call. An up call may make any
//    down call, including close() of the same stream. After every up call the driver must check
//    again whether what it was about to do is still possible.
//
// 3. Output in order. A stream has at most one send in flight. The memory of that send stays in
//    place until on_sent or on_closed.
//
// 4. on_closed once for each stream, as its last up call, when no operation refers to the
//    stream's memory any more. The driver closes the descriptor after on_closed has returned.
//
// 5. Receiving that may stop late. Bytes that had arrived before set_receiving(false) may still
//    be delivered after it, followed by the end of the stream.
//
// 6. A report of a reset also for a stream that does not receive, and without busy polling: the
//    loop must learn that such a connection is lost.
//
// 7. Fairness. Each stream gets a bounded share of every poll, so that one fast peer cannot
//    delay the others.
//
// The cases in tests/backend_contract check these rules on every driver.
#pragma once

#include <cstddef>
#include <cstdint>
#include <evio/address.hpp>
#include <evio/duration.hpp>
#include <evio/options.hpp>
#include <evio/watch.hpp>
#include <span>
#include <string_view>
#include <system_error>

namespace evio { inline namespace v0 { namespace detail {

// A connection. The value is its index in the loop's table of connections.
enum class StreamId : std::uint32_t {};
// A listening socket. The value is the index of its address.
enum class ListenerId : std::uint32_t {};
// An attempt to connect. The value is its index in the loop's table of attempts.
enum class ConnectId : std::uint32_t {};
// A descriptor of the user's that the loop watches.
enum class WatchId : std::uint32_t {};
// A udp socket. The value is the index of its address; connected sockets have larger numbers.
enum class UdpSocketId : std::uint32_t {};

// A socket of the platform. It is not closed automatically: its current owner must close it.
struct NativeSocket {
  std::intptr_t value = -1;
  // The number of forks of this process when the socket was made. If the process has forked since
  // then, child processes may hold copies of the descriptor.
  std::uint32_t forks = 0;
};

// A range of bytes to be sent. Without default values on purpose: every flush makes an array of
// these on the stack, and initialising all elements would cost time for each reply.
struct Chunk {
  const char* data;
  std::size_t size;
};

// A datagram that is received or sent. It refers to memory of the caller, and is valid during the
// call only.
struct Datagram {
  const Address& from;
  const Address& to;
  std::string_view bytes;
};

// The result of sending datagrams.
struct DatagramTally {
  std::size_t sent = 0;     // datagrams that the kernel accepted
  std::size_t bytes = 0;    // bytes in those datagrams
  std::size_t dropped = 0;  // datagrams that the kernel rejected
};

// The result of Driver::poll.
struct PollResult {
  // The poll delivered an event, or the driver has work left that the kernel will not report again.
  bool any = false;
  // The driver asked the kernel to wait.
  bool slept = false;
  // Events that had arrived before this poll began may not be delivered yet. The next polls
  // continue with them; the first poll that is not partial completes the sequence, even if new
  // events keep arriving. Deadlines that judge a peer wait for that: see LoopCore::poll.
  bool partial = false;
  // The poll still waits and delivered nothing. A platform that runs all loops on one thread (the
  // simulation) cannot block in poll(); it runs the loop again when the wait is over.
  bool parked = false;
};

// orderly: the kernel still sends what it holds. abort: a reset, and unsent bytes are discarded.
enum class CloseMode { orderly, abort };

// What the driver reports. The loop implements it.
class Sink {
 public:
  // The wait of this poll() is over. This is the first up call of each poll().
  virtual void on_woken() = 0;
  // A connection was accepted. The sink owns `socket` from now on.
  virtual void on_accepted(ListenerId listener, NativeSocket socket, const Address& peer) = 0;
  // Accepting failed for lack of a resource, such as descriptors. The driver accepts nothing more
  // from this listener until set_accepting(true).
  virtual void on_accept_stopped(ListenerId listener, std::error_code error) = 0;
  // The attempt to connect has ended, and its id is free again. After success the sink owns
  // `socket`.
  virtual void on_connected(ConnectId id, NativeSocket socket) = 0;
  virtual void on_connect_failed(ConnectId id, std::error_code error) = 0;
  // `bytes` are valid during the call only.
  virtual void on_received(StreamId stream, std::string_view bytes) = 0;
  // The peer will send no more. The driver has stopped receiving.
  virtual void on_end_of_stream(StreamId stream) = 0;
  // The kernel accepted `count` bytes of the send in flight, which has ended. The remaining bytes
  // must be passed to send() again.
  virtual void on_sent(StreamId stream, std::size_t count) = 0;
  virtual void on_datagram(UdpSocketId socket, const Datagram& datagram) = 0;
  // The peer's host reported that no socket receives at this address. Reported for connected udp
  // sockets only, because only these know which peer an error concerns.
  virtual void on_datagram_refused(UdpSocketId socket, std::error_code error) = 0;
  // The result of datagrams that send_to accepted. Each of these is counted exactly once.
  virtual void on_datagrams_sent(const DatagramTally& tally) = 0;
  // The user's descriptor is ready. Reported by every poll as long as it is ready.
  virtual void on_ready(WatchId name, Interest ready) = 0;
  // The stream has ended without closing its socket. The sink owns `socket`, which is in blocking
  // mode again.
  virtual void on_detached(StreamId stream, NativeSocket socket) = 0;
  // The stream has ended, and its id is free again. `error` is empty if the loop called close().
  virtual void on_closed(StreamId stream, std::error_code error) = 0;

 protected:
  ~Sink() = default;
};

// What a loop requests of the kernel. One driver serves one loop, and is called on its thread.
class Driver {
 public:
  virtual ~Driver() = default;

  // Takes the listening socket over and accepts connections from it.
  virtual void accept_from(ListenerId listener, NativeSocket socket) = 0;
  // A few connections may still be reported after set_accepting(false).
  virtual void set_accepting(ListenerId listener, bool accepting) = 0;
  // Closes the socket. No up call follows, and connections that were not accepted are reset.
  virtual void close_listener(ListenerId listener) = 0;

  // Takes the bound or connected udp socket over and receives from it.
  virtual void bind_datagram(UdpSocketId socket, NativeSocket native) = 0;
  // Sends one datagram to `to`. `from` is its source address; if empty, the kernel chooses. The
  // bytes are copied or sent before this returns; copies are sent before poll() waits. False if the
  // datagram cannot be sent.
  virtual bool send_to(UdpSocketId socket, const Datagram& datagram) = 0;
  virtual void close_datagram(UdpSocketId socket) = 0;
  virtual std::error_code set_options(UdpSocketId socket, const Options& options) = 0;
  virtual Address local_address(UdpSocketId socket) = 0;
  virtual NativeSocket native(UdpSocketId socket) = 0;

  // Begins to connect to an IP address or a path. No other attempt may have the same id. For a udp
  // address it makes a connected socket, to be passed to bind_datagram, which exchanges datagrams
  // with that address only.
  virtual void connect(ConnectId id, const Address& to, const Options& options) = 0;
  // Ends the attempt: no up call will follow for it.
  virtual void cancel(ConnectId id) = 0;

  // Reports when a descriptor of the user's is ready. The user still owns the descriptor.
  virtual std::error_code watch(WatchId name, NativeSocket descriptor, Interest interest) = 0;
  virtual void unwatch(WatchId name) = 0;

  // Takes the connected socket over. No living stream may have the same id. The stream does not
  // receive until set_receiving(true).
  virtual void open(StreamId stream, NativeSocket socket) = 0;
  // Sends what the kernel accepts at once, and keeps no reference to the chunks. Returns the number
  // of bytes. 0 does not mean an error: a driver that sends in batches only always returns 0.
  virtual std::size_t send_now(StreamId stream, std::span<const Chunk> chunks) = 0;
  // Sends the chunks. If the result is not 0, so many bytes were accepted at once and no send is in
  // flight: the rest must be passed again. If it is 0, the send is in flight: the chunks and their
  // bytes must stay in place until on_sent or on_closed.
  virtual std::size_t send(StreamId stream, std::span<const Chunk> chunks) = 0;
  // Starts or stops receiving. See rule 5 for bytes that arrive at the moment of stopping.
  virtual void set_receiving(StreamId stream, bool receiving) = 0;
  // Ends the sending direction (for TCP: sends FIN). Requires that no send is in flight.
  virtual void shutdown_send(StreamId stream) = 0;
  // Whether the kernel holds neither unsent nor unread bytes. Only then can the socket be closed at
  // once without losing data or causing a reset.
  virtual bool is_drained(StreamId stream) = 0;
  // Gives the socket back: on_detached follows. Requires that no send is in flight.
  virtual void detach(StreamId stream) = 0;
  // on_closed follows, with an empty error. A send in flight is dropped.
  virtual void close(StreamId stream, CloseMode mode) = 0;
  // Sets those options that concern the kernel. Returns the first error, but tries all.
  virtual std::error_code set_options(StreamId stream, const Options& options) = 0;
  virtual Address local_address(StreamId stream) = 0;
  virtual NativeSocket native(StreamId stream) = 0;

  // A descriptor that is readable when poll() has something to do, for a foreign loop to wait for.
  // -1 if the driver has none. Valid only after a poll that found nothing.
  virtual NativeSocket pollable() = 0;
  // Whether this object is a copy that a fork made in the child process. Such a copy is of no use,
  // and its destructor leaves kernel objects alone, since the parent still uses them.
  virtual bool is_copy() const noexcept { return false; }
  // The monotonic clock.
  virtual Duration now() = 0;
  // Waits for events until `deadline`, a time of now()'s clock, and delivers them. It does not wait
  // if the deadline has passed. Each stream gets at least its share of what had arrived.
  virtual PollResult poll(Duration deadline) = 0;
};

// Ends a poll() from another thread or a signal handler. It may outlive the driver.
class Waker {
 public:
  virtual ~Waker() = default;
  virtual void wake() noexcept = 0;
};

}}}  // namespace evio::v0::detail
