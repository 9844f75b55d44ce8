// The driver for io_uring: one system call receives and sends for a whole batch of events.
//
// Receiving: a multishot receive for each stream fills provided buffers, whose bytes are passed up
// in place. If a stream repeatedly sends more than fits into a buffer, or if no buffer is free, it
// is switched to readiness mode: as with epoll, it is polled, and read into one large buffer.
//
// Sending: small output is queued and submitted when the kernel is entered next. It never waits in
// the kernel (MSG_DONTWAIT), and a send without a completion was successful. Large output is sent
// at once with sendmsg.
//
// So the kernel reads the memory of a stream only while it is entered, never while handlers run,
// and the only operations that can be outstanding for a stream are a receive and polls.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "backend/driver.hpp"
#include "backend/posix/connect_attempts.hpp"
#include "backend/posix/datagram_ports.hpp"
#include "backend/posix/listeners.hpp"
#include "backend/posix/waker.hpp"
#include "backend/posix/watched.hpp"
#include "backend/slots.hpp"
#include "backend/uring/buffer_ring.hpp"
#include "backend/uring/ring.hpp"
#include "slab.hpp"

namespace evio { inline namespace v0 { namespace detail {

class UringDriver final : public Driver {
 public:
  // `buffers` is the number of provided buffers, a power of two.
  UringDriver(Sink& sink, EventFd& waker, unsigned buffers = BufferRing::usual_count);
  ~UringDriver() override;

  void accept_from(ListenerId listener, NativeSocket socket) override;
  void set_accepting(ListenerId listener, bool accepting) override;
  void close_listener(ListenerId listener) override;
  void bind_datagram(UdpSocketId socket, NativeSocket native) override;
  bool send_to(UdpSocketId socket, const Datagram& datagram) override;
  void close_datagram(UdpSocketId socket) override;
  std::error_code set_options(UdpSocketId socket, const Options& options) override;
  Address local_address(UdpSocketId socket) override;
  NativeSocket native(UdpSocketId socket) override { return {ports_.fd(socket)}; }
  void connect(ConnectId id, const Address& to, const Options& options) override;
  void cancel(ConnectId id) override;
  std::error_code watch(WatchId name, NativeSocket descriptor, Interest interest) override;
  void unwatch(WatchId name) override;
  NativeSocket pollable() override;
  void open(StreamId stream, NativeSocket socket) override;
  std::size_t send_now(StreamId stream, std::span<const Chunk> chunks) override;
  std::size_t send(StreamId stream, std::span<const Chunk> chunks) override;
  void set_receiving(StreamId stream, bool receiving) override;
  void shutdown_send(StreamId stream) override;
  bool is_drained(StreamId stream) override;
  void detach(StreamId stream) override;
  void close(StreamId stream, CloseMode mode) override;
  std::error_code set_options(StreamId stream, const Options& options) override;
  Address local_address(StreamId stream) override;
  NativeSocket native(StreamId stream) override;
  bool is_copy() const noexcept override { return ring_.is_copy(); }
  Duration now() override;
  PollResult poll(Duration deadline) override;

 private:
  static constexpr std::uint32_t none = Slab<int>::none;
  static constexpr std::size_t buffer_size = 64 << 10;  // of buffer_

  // The kind of operation. With the id and its generation it forms the user data of an entry.
  enum class Op : std::uint64_t {
    receive,
    read_poll,
    write_poll,
    reset_poll,
    send,
    listener,
    id,
    datagram,
    watched,
    waker,
    cancel
  };

  // The record of a stream: 16 bytes.
  struct Slot {
    int fd = -1;
    std::uint32_t generation = 0;
    std::uint32_t pending = none;  // the send in flight
    bool unix_domain : 1 = false;
    bool receiving : 1 = false;       // the last argument of set_receiving
    bool readiness_mode : 1 = false;  // read by readiness
    bool blocked : 1 = false;         // the kernel's send buffer is full; not writable yet
    bool changed : 1 = false;         // it is in changed_
    bool closing : 1 = false;         // it closes or is detached
    bool detaching : 1 = false;       // of these two: it is detached
    bool unread : 1 = false;          // it is in unread_
    // The peer's end or urgent data has arrived: read until nothing is left, since no further event
    // may follow.
    bool ending : 1 = false;
    bool ended : 1 = false;       // the peer's end was received
    bool cancelling : 1 = false;  // its receive or read_poll is being cancelled
    // A receive was armed, and the bytes that had arrived before are not all delivered yet: see
    // look_for_reset.
    bool begins : 1 = false;
    // Operations that are outstanding in the kernel.
    bool receive_armed : 1 = false;
    bool read_poll_armed : 1 = false;
    bool write_poll_armed : 1 = false;
    bool reset_poll_armed : 1 = false;
    // Consecutive receives that filled a buffer; in readiness mode, consecutive small reads.
    std::uint8_t large_reads : 3 = 0;
    unsigned error : 12 = 0;  // the errno for which it closes
  };
  static_assert(sizeof(Slot) == 16);
  struct Pending {  // a send in flight
    static constexpr std::size_t max_chunks = 16;
    Pending(StreamId to, std::span<const Chunk> what, std::size_t bytes,
            std::uint32_t number) noexcept
        : stream(to), serial(number), chunks(what), size(bytes) {}
    StreamId stream;
    std::uint32_t serial;  // distinguishes it from earlier ones in the same place
    std::span<const Chunk> chunks;
    std::size_t size;
    bool queued = false;  // it is in the ring; the kernel reads the chunks when it is entered next
    bool fell_short = false;  // `result` is an error or less than `size`; else it was successful
    int result = 0;
    msghdr message{};
    iovec pieces[max_chunks];
  };

  static std::uint64_t user_data(Op op, std::uint32_t index, std::uint32_t generation) noexcept;
  Slot& slot(StreamId stream) noexcept { return slots_[static_cast<std::uint32_t>(stream)]; }
  bool alive(StreamId stream, std::uint32_t generation) noexcept;
  bool outstanding(const Slot& slot) const noexcept;
  void change(StreamId stream);
  void begin_close(StreamId stream, int error);

  void enable();
  void apply_changes();
  void arm(StreamId stream, Slot& slot);
  void arm_receive(StreamId stream, Slot& slot);
  void arm_poll(Op op, StreamId stream, const Slot& slot, unsigned events, bool multishot);
  void stop_reading(StreamId stream, Slot& slot);
  void cancel_all(StreamId stream, Slot& slot);
  void poll_for(std::uint64_t user_data, int fd, unsigned events, bool multishot);
  void ask(WatchId name);
  void watch(Op op, std::uint32_t index, int fd);
  void queue_cancel(std::uint64_t target, int flags = 0);

  void queue_send(std::uint32_t index);
  void note_send(const io_uring_cqe& completion) noexcept;
  void finish_sends();
  void finish_send(std::uint32_t index);
  void write_more(StreamId stream);

  void dispatch(const io_uring_cqe& completion);
  void stream_completed(Op op, StreamId stream, std::uint32_t generation,
                        const io_uring_cqe& completion);
  void received(StreamId stream, std::uint32_t generation, const io_uring_cqe& completion);
  void look_for_reset(StreamId stream);
  void readable(StreamId stream, std::uint32_t generation);
  void update_receive_mode(StreamId stream, std::size_t size);
  void update_read_mode(StreamId stream, std::size_t size);
  void hung_up(StreamId stream);
  void accept_some(ListenerId listener);
  void watch_datagrams(UdpSocketId socket);
  void receive_datagrams(UdpSocketId socket);
  bool may_leave() noexcept;
  bool is_partial(bool more) noexcept;
  bool finish_closing();
  void show_rest(StreamId stream);
  void resume_partial();
  void drain_ring() noexcept;

  Sink& sink_;
  EventFd& waker_;
  Ring ring_;
  const std::unique_ptr<BufferRing> buffers_;
  const std::unique_ptr<char[]> buffer_;  // for what is read by readiness
  Slots<Slot> slots_;
  Slab<Pending> pending_;
  std::vector<std::uint32_t> queued_sends_, finishing_sends_;
  std::vector<StreamId> changed_, changing_;
  std::vector<StreamId> closing_, closing_now_;
  struct Unread {
    StreamId stream;
    std::uint32_t generation;
  };
  // Streams, listeners and sockets that have used up their share of an iteration, and may have
  // more. The second list of each pair is the one that is being worked off.
  std::vector<Unread> unread_, rereading_;
  std::vector<ListenerId> unaccepted_, accepting_;
  std::vector<UdpSocketId> undelivered_, delivering_;
  Listeners listeners_;
  ConnectAttempts connects_;
  Watched watched_;
  // Watches that were reported, and must be polled again.
  std::vector<std::pair<WatchId, std::uint32_t>> rewatched_, rewatching_;
  bool has_poll_eventfd_ = false;  // a foreign loop waits for waker_.poll_eventfd()
  DatagramPorts ports_;
  std::size_t outstanding_ = 0;  // operations whose last completion has not arrived
  std::uint32_t last_serial_ = 0;
  std::size_t looks_ = 0;  // consecutive polls that were partial
  bool enabled_ = false;
};

}}}  // namespace evio::v0::detail
