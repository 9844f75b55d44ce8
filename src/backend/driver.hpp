// One half of the seam: what a loop asks of the kernel, and what it is told. (The other:
// platform.hpp.)
//
// A driver must provide, for one loop and on its thread:
//  - streams, listeners and datagram sockets under names (small numbers) that the caller chooses;
//  - up calls (Sink) only from inside poll(), never from inside a down call; after every up call it
//  looks again at what it
//    was about to do, since any down call may be made in any up call, `close` included;
//  - output that is sent in order: one send in flight a stream, whose memory stays in place until
//  on_sent or on_closed;
//  - on_closed once and last, when no operation refers to the stream's memory; the descriptor is
//  closed after it returned;
//  - receiving that stops late: what had landed still comes up after set_receiving(false), and the
//  end behind it;
//  - a reset of a stream that does not receive is reported all the same, without spinning;
//  - a bounded share of every turn for each stream.
// The rules are the cases of tests/backend_contract.
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

enum class StreamId : std::uint32_t {};    // a connection; named by its place in the loop's table
enum class ListenerId : std::uint32_t {};  // a listening socket; named by its address's index
enum class ConnectId : std::uint32_t {
};  // an attempt to connect; named by its place in the loop's table
enum class WatchId : std::uint32_t {};  // a descriptor of the user's
enum class UdpSocketId : std::uint32_t {
};  // a udp socket; named by its address's index, or by a number beyond

// A socket of the platform's, owned by whoever holds it.
struct NativeSocket {
  std::intptr_t value = -1;
  std::uint32_t forks =
      0;  // how often this process had forked when it was made; since then: children have copies
};

// Not initialised by itself: rooms for many are made for each reply.
struct Chunk {
  const char* data;
  std::size_t size;
};

struct Datagram {
  const Address& from;
  const Address& to;
  std::string_view bytes;
};

// What became of datagrams that were sent.
struct DatagramTally {
  std::size_t sent = 0;     // that the kernel took
  std::size_t bytes = 0;    // in those
  std::size_t dropped = 0;  // that it did not take
};

// What a poll did.
struct PollResult {
  bool any = false;    // something was delivered, or is left to do that the kernel does not tell of
  bool slept = false;  // the kernel was asked to wait
  bool partial = false;  // there may be more that had arrived before it began. The next polls go on
                         // with it: the first that is not partial ends what those before it began,
                         // also while ever more arrives
  bool parked = false;   // it waits still, and told nothing: a platform that runs all loops on one
                        // thread cannot block in it, and turns the loop again when the wait is over
};

enum class CloseMode { orderly, abort };

// What a loop is told. Implemented by the loop.
class Sink {
 public:
  // The wait of this poll() is over; the first up call of each.
  virtual void on_woken() = 0;
  // The socket is the sink's.
  virtual void on_accepted(ListenerId listener, NativeSocket socket, const Address& peer) = 0;
  // Accepting failed for want of something; nothing more comes until set_accepting(true).
  virtual void on_accept_stopped(ListenerId listener, std::error_code error) = 0;
  // The attempt is over: the socket is the sink's, or there is none.
  virtual void on_connected(ConnectId id, NativeSocket socket) = 0;
  virtual void on_connect_failed(ConnectId id, std::error_code error) = 0;
  // The bytes are lent for the call.
  virtual void on_received(StreamId stream, std::string_view bytes) = 0;
  // The peer will send no more; receiving has stopped.
  virtual void on_end_of_stream(StreamId stream) = 0;
  // `count` bytes of the send in flight were taken and none is in flight any more: what is left
  // must be given again.
  virtual void on_sent(StreamId stream, std::size_t count) = 0;
  virtual void on_datagram(UdpSocketId socket, const Datagram& datagram) = 0;
  // The peer's host says that nobody receives there: of a connected socket only.
  virtual void on_datagram_refused(UdpSocketId socket, std::error_code error) = 0;
  // Of all that send_to accepted, each counts once.
  virtual void on_datagrams_sent(const DatagramTally& tally) = 0;
  // The descriptor is ready; told again as long as it is.
  virtual void on_ready(WatchId name, Interest ready) = 0;
  // The stream is gone; its socket, blocking again, is the sink's.
  virtual void on_detached(StreamId stream, NativeSocket socket) = 0;
  // The stream is gone. The error is empty after close().
  virtual void on_closed(StreamId stream, std::error_code error) = 0;

 protected:
  ~Sink() = default;
};

class Driver {
 public:
  virtual ~Driver() = default;

  // Takes the listening socket over and accepts from it.
  virtual void accept_from(ListenerId listener, NativeSocket socket) = 0;
  virtual void set_accepting(ListenerId listener, bool accepting) = 0;
  virtual void close_listener(ListenerId listener) = 0;

  // Takes the bound or connected socket over and receives from it.
  virtual void bind_datagram(UdpSocketId socket, NativeSocket native) = 0;
  // One datagram from `from` (none: as the kernel chooses) to `to`, copied or sent before it
  // returns; false: it cannot be sent. What was copied leaves with the batch, before poll() waits.
  virtual bool send_to(UdpSocketId socket, const Datagram& datagram) = 0;
  virtual void close_datagram(UdpSocketId socket) = 0;
  virtual std::error_code set_options(UdpSocketId socket, const Options& options) = 0;
  virtual Address local_address(UdpSocketId socket) = 0;
  virtual NativeSocket native(UdpSocketId socket) = 0;

  // Begins to connect to an IP address or a path, under a name that no other attempt has. To a udp
  // address it makes a socket for bind_datagram that exchanges datagrams with that address alone.
  virtual void connect(ConnectId id, const Address& to, const Options& options) = 0;
  // Nothing comes of it any more.
  virtual void cancel(ConnectId id) = 0;

  // A descriptor of the user's, which stays his.
  virtual std::error_code watch(WatchId name, NativeSocket descriptor, Interest interest) = 0;
  virtual void unwatch(WatchId name) = 0;

  // Takes the connected socket over, under a name that no living stream has. It does not receive
  // yet.
  virtual void open(StreamId stream, NativeSocket socket) = 0;
  // Sends what it can at once and retains nothing; 0 also where the driver sends in batches only.
  virtual std::size_t send_now(StreamId stream, std::span<const Chunk> chunks) = 0;
  // Sends; returns what was taken at once, and then nothing is in flight: the rest must be given
  // again. If nothing was, the send is in flight: the chunks and their bytes stay in place until
  // on_sent or on_closed.
  virtual std::size_t send(StreamId stream, std::span<const Chunk> chunks) = 0;
  virtual void set_receiving(StreamId stream, bool receiving) = 0;
  // The end of this direction; nothing is in flight.
  virtual void shutdown_send(StreamId stream) = 0;
  // Whether the kernel holds nothing unsent and nothing unread.
  virtual bool is_drained(StreamId stream) = 0;
  // on_detached will come; nothing is in flight.
  virtual void detach(StreamId stream) = 0;
  // on_closed will come, with no error; a send in flight is dropped.
  virtual void close(StreamId stream, CloseMode mode) = 0;
  virtual std::error_code set_options(StreamId stream, const Options& options) = 0;
  virtual Address local_address(StreamId stream) = 0;
  virtual NativeSocket native(StreamId stream) = 0;

  // A descriptor that is readable when poll() has something to do; none if there is no such thing.
  // Between polls that found nothing.
  virtual NativeSocket pollable() = 0;
  // Whether a fork has copied it into this process, where it is of no use and leaves the kernel
  // alone.
  virtual bool is_copy() const noexcept { return false; }
  // Monotonic time.
  virtual Duration now() = 0;
  // Waits for events until `deadline` (of now()'s clock; in the past: does not wait) and delivers
  // them, for each stream its share of what had arrived at least.
  virtual PollResult poll(Duration deadline) = 0;
};

// Ends a poll() from another thread or a signal handler; may be destroyed later than the driver.
class Waker {
 public:
  virtual ~Waker() = default;
  virtual void wake() noexcept = 0;
};

}}}  // namespace evio::v0::detail
