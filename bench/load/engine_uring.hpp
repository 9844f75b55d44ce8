// Streams by io_uring: one system call per batch. The generator is lighter than a server with a
// system call per message, and as light as the best, so that the server's core is the bottleneck.
#pragma once

#include <liburing.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

#include "load.hpp"

namespace load {

class UringEngine {
 public:
  explicit UringEngine(const std::vector<int>& sockets) : sockets_(sockets) {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
    params.cq_entries = 16384;
    if (io_uring_queue_init_params(1024, &ring_, &params) < 0) die("io_uring_queue_init");
    set_up_buffers();
    for (std::size_t i = 0; i < sockets.size(); ++i) receive(i);
  }
  UringEngine(const UringEngine&) = delete;
  UringEngine& operator=(const UringEngine&) = delete;
  ~UringEngine() { io_uring_queue_exit(&ring_); }

  // The bytes must stay valid.
  void send(std::size_t i, std::string_view bytes) {
    io_uring_sqe* sqe = entry();
    io_uring_prep_send(sqe, sockets_[i], bytes.data(), bytes.size(), MSG_WAITALL | MSG_NOSIGNAL);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(sqe, sent);
  }

  // Submits, then calls received(i, bytes) for what has arrived; does not wait. False if nothing
  // has.
  template <class Received>
  bool poll(Received&& received) {
    if (io_uring_submit_and_get_events(&ring_) < 0) die("io_uring_enter");
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
      ++count;
      const std::size_t i = completion->user_data;
      if (i == sent) {
        if (completion->res < 0) fail("send", completion->res);
        continue;
      }
      if (completion->res > 0) {
        give_back(completion->flags >> IORING_CQE_BUFFER_SHIFT);
        received(i, static_cast<std::size_t>(completion->res));
      } else if (completion->res != -ENOBUFS) {
        fail("recv", completion->res);
      }
      if (!(completion->flags & IORING_CQE_F_MORE)) receive(i);
    }
    io_uring_cq_advance(&ring_, count);
    return count > 0;
  }

 private:
  static constexpr std::uint64_t sent = ~std::uint64_t{0};
  static constexpr unsigned buffer_count = 1024;
  static constexpr unsigned buffer_size =
      256 << 10;  // never accessed: the kernel drops the bytes (MSG_TRUNC)

  [[noreturn]] static void fail(const char* what, int result) {
    errno = -result;
    die(result ? what : "the server closed a connection");
  }

  io_uring_sqe* entry() {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    while (!sqe) {
      io_uring_submit(&ring_);
      sqe = io_uring_get_sqe(&ring_);
    }
    return sqe;
  }

  void receive(std::size_t i) {
    io_uring_sqe* sqe = entry();
    io_uring_prep_recv_multishot(sqe, sockets_[i], nullptr, 0, MSG_TRUNC);
    sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    io_uring_sqe_set_data64(sqe, i);
  }

  void set_up_buffers() {
    void* memory = ::mmap(nullptr, buffer_count * sizeof(io_uring_buf) + buffer_size,
                          PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) die("mmap");
    buffers_ = static_cast<io_uring_buf_ring*>(memory);
    memory_ = static_cast<char*>(memory) + buffer_count * sizeof(io_uring_buf);
    io_uring_buf_reg reg{};
    reg.ring_addr = reinterpret_cast<std::uintptr_t>(buffers_);
    reg.ring_entries = buffer_count;
    if (io_uring_register_buf_ring(&ring_, &reg, 0) < 0) die("io_uring_register_buf_ring");
    io_uring_buf_ring_init(buffers_);
    for (unsigned id = 0; id < buffer_count; ++id) give_back(id);
  }

  void give_back(unsigned id) {
    io_uring_buf_ring_add(buffers_, memory_, buffer_size, static_cast<unsigned short>(id),
                          io_uring_buf_ring_mask(buffer_count), 0);
    io_uring_buf_ring_advance(buffers_, 1);
  }

  const std::vector<int>& sockets_;
  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  char* memory_ = nullptr;
};

}  // namespace load
