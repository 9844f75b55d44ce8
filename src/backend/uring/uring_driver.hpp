// Private. The driver for io_uring: what one batch of events receives and sends costs one system call.
//
// Bytes arrive by multishot receives into provided buffers, lent upwards in place. Small output is queued and submitted
// with the next entry to the kernel, never waiting there (MSG_DONTWAIT): silence means that the kernel has all of it.
// Large output goes out at once by sendmsg, and a stream that sends more than fits into a provided buffer, or finds
// none, is read as on epoll: by readiness, into one large buffer. So the kernel never refers to memory of a stream
// while the loop runs, and all that can be outstanding for one is a receive or polls.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "backend/driver.hpp"
#include "backend/posix/datagram_ports.hpp"
#include "backend/posix/dials.hpp"
#include "backend/posix/listeners.hpp"
#include "backend/posix/waker.hpp"
#include "backend/posix/watched.hpp"
#include "backend/slots.hpp"
#include "backend/uring/buffer_ring.hpp"
#include "backend/uring/ring.hpp"
#include "slab.hpp"

namespace evio::inline v1 {

class UringDriver final : public Driver {
 public:
  // `buffers`: how many receive at a time, a power of two.
  UringDriver(Sink& sink, EventFd& waker, unsigned buffers = BufferRing::usual_count);
  ~UringDriver() override;

  void accept_from(Listener listener, NativeSocket socket) override;
  void set_accepting(Listener listener, bool accepting) override;
  void close_listener(Listener listener) override;
  void bind_datagram(DatagramSocket socket, NativeSocket native) override;
  bool send_to(DatagramSocket socket, const Datagram& datagram) override;
  void close_datagram(DatagramSocket socket) override;
  std::error_code set_options(DatagramSocket socket, const Options& options) override;
  Address local_address(DatagramSocket socket) override;
  NativeSocket native(DatagramSocket socket) override { return {ports_.fd(socket)}; }
  void connect(Dial dial, const Address& to, const Options& options) override;
  void cancel(Dial dial) override;
  std::error_code watch(WatchName name, NativeSocket descriptor, Interest interest) override;
  void unwatch(WatchName name) override;
  NativeSocket pollable() override;
  void open(Stream stream, NativeSocket socket) override;
  std::size_t send_now(Stream stream, std::span<const Chunk> chunks) override;
  std::size_t send(Stream stream, std::span<const Chunk> chunks) override;
  void set_receiving(Stream stream, bool receiving) override;
  void shutdown_send(Stream stream) override;
  bool quiet(Stream stream) override;
  void detach(Stream stream) override;
  void close(Stream stream, CloseMode mode) override;
  std::error_code set_options(Stream stream, const Options& options) override;
  Address local_address(Stream stream) override;
  NativeSocket native(Stream stream) override;
  bool is_copy() const noexcept override { return ring_.is_copy(); }
  Duration now() override;
  Polled poll(Duration deadline) override;

 private:
  static constexpr std::uint32_t none = Slab<int>::none;

  // What a completion is about; with the name and its generation it makes up the user data.
  enum class Op : std::uint64_t {
    receive,
    read_poll,
    write_poll,
    reset_poll,
    send,
    listener,
    dial,
    datagram,
    watched,
    waker,
    cancel
  };

  // 16 bytes a stream.
  struct Slot {
    int fd = -1;
    std::uint32_t generation = 0;
    std::uint32_t pending = none;  // the send in flight
    bool unix_domain : 1 = false;
    bool receiving : 1 = false;      // what is wanted
    bool bulk : 1 = false;           // read by readiness, since it sends a lot at a time
    bool blocked : 1 = false;        // the kernel took less than it was given; until it is writable again
    bool changed : 1 = false;        // stands in changed_
    bool leaving : 1 = false;        // closes, or is being detached
    bool detaching : 1 = false;      // that of the two
    bool unread : 1 = false;         // stands in unread_
    bool ending : 1 = false;         // the peer's end or urgent data is in what is to be read: till nothing is left
    bool ended : 1 = false;          // the peer's end came
    bool cancelling : 1 = false;     // its receive or read_poll was told to stop
    bool begins : 1 = false;         // to receive: what stood there before is not all here yet
    bool receive_armed : 1 = false;  // what is outstanding in the kernel
    bool read_poll_armed : 1 = false;
    bool write_poll_armed : 1 = false;
    bool reset_poll_armed : 1 = false;
    std::uint8_t large_reads : 3 = 0;  // of late, that filled a buffer; or, while bulk, small ones
    unsigned error : 12 = 0;           // why it leaves
  };
  static_assert(sizeof(Slot) == 16);
  struct Pending {  // a send in flight
    static constexpr std::size_t max_chunks = 16;
    Pending(Stream to, std::span<const Chunk> what, std::size_t bytes, std::uint32_t number) noexcept
        : stream(to), serial(number), chunks(what), size(bytes) {}
    Stream stream;
    std::uint32_t serial;  // tells it from others that had its place
    std::span<const Chunk> chunks;
    std::size_t size;
    bool queued = false;      // given to the ring; the kernel looks at the chunks when it is entered next
    bool fell_short = false;  // then `result` says how; silence is success
    int result = 0;
    msghdr message{};
    iovec pieces[max_chunks];
  };

  static std::uint64_t user_data(Op op, std::uint32_t index, std::uint32_t generation) noexcept;
  Slot& slot(Stream stream) noexcept { return slots_[static_cast<std::uint32_t>(stream)]; }
  bool alive(Stream stream, std::uint32_t generation) noexcept;
  bool outstanding(const Slot& slot) const noexcept;
  void change(Stream stream);
  void leave(Stream stream, int error);

  void enable();
  void apply_changes();
  void arm(Stream stream, Slot& slot);
  void arm_receive(Stream stream, Slot& slot);
  void arm_poll(Op op, Stream stream, const Slot& slot, unsigned events, bool multishot);
  void stop_reading(Stream stream, Slot& slot);
  void cancel_all(Stream stream, Slot& slot);
  void poll_for(std::uint64_t user_data, int fd, unsigned events, bool multishot);
  void ask(WatchName name);
  void watch(Op op, std::uint32_t index, int fd);
  void queue_cancel(std::uint64_t target, int flags = 0);

  void queue_send(std::uint32_t index);
  void note_send(const io_uring_cqe& completion) noexcept;
  void finish_sends();
  void finish_send(std::uint32_t index);
  void write_more(Stream stream);

  void dispatch(const io_uring_cqe& completion);
  void stream_completed(Op op, Stream stream, std::uint32_t generation, const io_uring_cqe& completion);
  void received(Stream stream, std::uint32_t generation, const io_uring_cqe& completion);
  void look_for_reset(Stream stream);
  void readable(Stream stream, std::uint32_t generation);
  void judge_received(Stream stream, std::size_t size);
  void judge_read(Stream stream, std::size_t size);
  void hung_up(Stream stream);
  void accept_some(Listener listener);
  void watch_datagrams(DatagramSocket socket);
  void receive_datagrams(DatagramSocket socket);
  bool may_leave() noexcept;
  bool is_partial(bool more) noexcept;
  bool process_leaving();
  void show_rest(Stream stream);
  void go_on();
  void drain_ring() noexcept;

  Sink& sink_;
  EventFd& waker_;
  Ring ring_;
  const std::unique_ptr<BufferRing> buffers_;
  const std::unique_ptr<char[]> buffer_;  // for what is read by readiness
  Slots<Slot> slots_;
  Slab<Pending> pending_;
  std::vector<std::uint32_t> queued_sends_, finishing_sends_;
  std::vector<Stream> changed_, changing_;
  std::vector<Stream> leaving_, leaving_now_;
  struct Unread {
    Stream stream;
    std::uint32_t generation;
  };
  std::vector<Unread> unread_, rereading_;        // by readiness: more is there
  std::vector<Listener> unaccepted_, accepting_;  // more is there
  std::vector<DatagramSocket> undelivered_, delivering_;
  Listeners listeners_;
  Dials dials_;
  Watched watched_;
  std::vector<std::pair<WatchName, std::uint32_t>> rewatched_, rewatching_;  // told, and to be asked for again
  bool rings_ = false;                                                       // its waker's bell, for a foreign loop
  DatagramPorts ports_;
  std::size_t outstanding_ = 0;  // operations whose last completion has not come
  std::uint32_t last_serial_ = 0;
  std::size_t looks_ = 0;  // polls since a look began that is not complete
  bool enabled_ = false;
};

}  // namespace evio::inline v1
