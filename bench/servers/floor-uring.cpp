// The floor for io_uring: multishot accept and receive into provided buffers; what a batch of
// completions echoes is sent from those buffers in the next enter, without completions for sends
// that succeed. TCP echo, close, broadcast.
#include <liburing.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <memory>
#include <utility>
#include <vector>

#include "server.hpp"

namespace {

enum class Mode { echo, close, broadcast };
enum class Op : unsigned { accept, receive, send, send_rest, shutdown };

constexpr unsigned buffer_count = 256;
constexpr std::size_t buffer_size = 8 << 10;
constexpr int group = 0;

struct Conn {
  int fd = -1;
  unsigned index = 0;
  bool ended = false;    // the receive has ended
  bool dirty = false;    // `batch` is to be sent
  bool sending = false;  // `rest` is being sent
  std::vector<iovec> batch;
  msghdr message{};
  std::string rest, next;  // what a partial send left, and what follows it
};

class Server {
 public:
  Server(Mode mode, int listener) : mode_(mode), listener_(listener) {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE;
    params.cq_entries = 16384;
    if (io_uring_queue_init_params(1024, &ring_, &params) < 0) bench::die("io_uring_queue_init");
    set_up_buffers();
  }

  [[noreturn]] void run() {
    accept();
    for (;;) {
      io_uring_submit_and_wait(&ring_, 1);
      // Every send of the last batch has been tried by now; those that failed are among these
      // completions, and their bytes are still in place.
      used_.swap(sent_);
      over_.swap(ended_);
      unsigned head = 0;
      unsigned count = 0;
      io_uring_cqe* completion = nullptr;
      io_uring_for_each_cqe(&ring_, head, completion) {
        handle(*completion);
        ++count;
      }
      io_uring_cq_advance(&ring_, count);
      for (Conn* conn : ended_)
        if (!conn->sending) drop(*conn);
      for (const unsigned id : sent_) give_back(id);
      for (Conn* conn : starved_) receive(*conn);
      for (Conn* conn : dirty_) send_batch(*conn);
      ended_.clear();
      sent_.clear();
      starved_.clear();
      dirty_.clear();
    }
  }

 private:
  void set_up_buffers() {
    const std::size_t ring_bytes = buffer_count * sizeof(io_uring_buf);
    void* memory = ::mmap(nullptr, ring_bytes + buffer_count * buffer_size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) bench::die("mmap");
    buffers_ = static_cast<io_uring_buf_ring*>(memory);
    memory_ = static_cast<char*>(memory) + ring_bytes;
    io_uring_buf_reg reg{};
    reg.ring_addr = reinterpret_cast<std::uintptr_t>(buffers_);
    reg.ring_entries = buffer_count;
    reg.bgid = group;
    if (io_uring_register_buf_ring(&ring_, &reg, 0) < 0) bench::die("io_uring_register_buf_ring");
    io_uring_buf_ring_init(buffers_);
    for (unsigned id = 0; id < buffer_count; ++id) give_back(id);
  }

  void give_back(unsigned id) {
    io_uring_buf_ring_add(buffers_, memory_ + id * buffer_size, buffer_size,
                          static_cast<unsigned short>(id), io_uring_buf_ring_mask(buffer_count), 0);
    io_uring_buf_ring_advance(buffers_, 1);
  }

  io_uring_sqe* entry() {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    while (!sqe) {
      io_uring_submit(&ring_);
      sqe = io_uring_get_sqe(&ring_);
    }
    return sqe;
  }

  static void tag(io_uring_sqe* sqe, Op op, unsigned index) {
    io_uring_sqe_set_data64(sqe, static_cast<std::uint64_t>(op) << 32 | index);
  }

  void accept() {
    io_uring_sqe* sqe = entry();
    io_uring_prep_multishot_accept(sqe, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    tag(sqe, Op::accept, 0);
  }

  void receive(const Conn& conn) {
    io_uring_sqe* sqe = entry();
    io_uring_prep_recv_multishot(sqe, conn.fd, nullptr, 0, 0);
    sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = group;
    tag(sqe, Op::receive, conn.index);
  }

  void handle(const io_uring_cqe& completion) {
    const auto op = static_cast<Op>(completion.user_data >> 32);
    if (op == Op::accept) return on_accepted(completion);
    Conn& conn = *all_[static_cast<unsigned>(completion.user_data)];
    if (op == Op::receive) return on_received(conn, completion);
    if (op == Op::send) return on_failed(conn, completion.res);
    if (op == Op::send_rest) return on_sent_rest(conn, completion.res);
  }

  void on_accepted(const io_uring_cqe& completion) {
    if (!(completion.flags & IORING_CQE_F_MORE)) accept();
    if (completion.res < 0) return;
    if (free_.empty()) {
      free_.push_back(static_cast<unsigned>(all_.size()));
      all_.emplace_back();
    }
    const unsigned index = free_.back();
    free_.pop_back();
    all_[index] = std::make_unique<Conn>();
    all_[index]->fd = completion.res;
    all_[index]->index = index;
    receive(*all_[index]);
  }

  void on_received(Conn& conn, const io_uring_cqe& completion) {
    const bool more = completion.flags & IORING_CQE_F_MORE;
    if (completion.res > 0) {
      const unsigned id = completion.flags >> IORING_CQE_BUFFER_SHIFT;
      used_.push_back(id);
      const iovec piece{memory_ + id * buffer_size, static_cast<std::size_t>(completion.res)};
      if (mode_ != Mode::broadcast) {
        reply(conn, piece);
      } else {
        for (const auto& other : all_)
          if (other && !other->ended) reply(*other, piece);
      }
      if (!more) receive(conn);
    } else if (completion.res == -ENOBUFS) {
      starved_.push_back(&conn);
    } else if (!more) {
      conn.ended = true;
      over_.push_back(&conn);  // closed after the next enter, which may still send
    }
  }

  void reply(Conn& conn, const iovec& piece) {
    if (!conn.dirty) {
      conn.batch.clear();
      conn.dirty = true;
      dirty_.push_back(&conn);
    }
    conn.batch.push_back(piece);
  }

  void send_batch(Conn& conn) {
    conn.dirty = false;
    if (conn.sending) {
      for (const iovec& piece : conn.batch)
        conn.next.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
      return;
    }
    constexpr int flags = MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL;
    const bool close = mode_ == Mode::close;
    if (close && io_uring_sq_space_left(&ring_) < 2)
      io_uring_submit(&ring_);  // a chain must not be split
    io_uring_sqe* sqe = entry();
    if (conn.batch.size() == 1) {
      io_uring_prep_send(sqe, conn.fd, conn.batch[0].iov_base, conn.batch[0].iov_len, flags);
    } else {
      conn.message.msg_iov = conn.batch.data();
      conn.message.msg_iovlen = conn.batch.size();
      io_uring_prep_sendmsg(sqe, conn.fd, &conn.message, flags);
    }
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS | (close ? IOSQE_IO_LINK : 0U);
    tag(sqe, Op::send, conn.index);
    if (!close) return;
    sqe = entry();
    io_uring_prep_shutdown(sqe, conn.fd, SHUT_WR);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    tag(sqe, Op::shutdown, conn.index);
  }

  void on_failed(Conn& conn, int result) {
    if (result < 0 && result != -EAGAIN) return;  // the receive ends as well
    std::size_t sent = result < 0 ? 0 : static_cast<std::size_t>(result);
    for (const iovec& piece : conn.batch) {
      const std::size_t skipped = std::min(sent, piece.iov_len);
      conn.rest.append(static_cast<const char*>(piece.iov_base) + skipped, piece.iov_len - skipped);
      sent -= skipped;
    }
    send_rest(conn);
  }

  void send_rest(Conn& conn) {
    conn.sending = true;
    io_uring_sqe* sqe = entry();
    io_uring_prep_send(sqe, conn.fd, conn.rest.data(), conn.rest.size(),
                       MSG_WAITALL | MSG_NOSIGNAL);
    tag(sqe, Op::send_rest, conn.index);
  }

  void on_sent_rest(Conn& conn, int result) {
    conn.sending = false;
    conn.rest = std::exchange(conn.next, {});
    if (result < 0 || conn.ended) conn.rest.clear();
    if (conn.ended) return drop(conn);
    if (!conn.rest.empty()) return send_rest(conn);
    if (mode_ == Mode::close) ::shutdown(conn.fd, SHUT_WR);
  }

  void drop(Conn& conn) {
    ::close(conn.fd);
    free_.push_back(conn.index);
    all_[conn.index].reset();
  }

  Mode mode_;
  int listener_;
  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  char* memory_ = nullptr;
  std::vector<std::unique_ptr<Conn>> all_;
  std::vector<unsigned> free_;
  std::vector<unsigned> used_,
      sent_;  // buffers whose bytes are sent in the next enter, were in the last one
  std::vector<Conn*> over_,
      ended_;  // connections to close after the next enter, after the last one
  std::vector<Conn*> dirty_, starved_;
};

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::parse(argc, argv);
  const std::string& mode = options.mode;
  if (options.udp || (mode != "echo" && mode != "close" && mode != "broadcast"))
    bench::unsupported(options);
  const int listener = bench::listen_tcp(options.port, 0);
  Server server(mode == "echo"    ? Mode::echo
                : mode == "close" ? Mode::close
                                  : Mode::broadcast,
                listener);
  bench::ready(bench::port_of(listener));
  server.run();
}
