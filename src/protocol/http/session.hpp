// One HTTP connection of a server: reads requests, passes them to handlers one after the other, and
// keeps the deadlines.
#pragma once

#include <chrono>
#include <cstdint>
#include <evio/conn.hpp>
#include <evio/context.hpp>
#include <evio/http/upgrade.hpp>
#include <evio/input.hpp>
#include <evio/shared_bytes.hpp>
#include <evio/timer.hpp>
#include <memory>
#include <string_view>
#include <vector>

#include "protocol/http/exchange.hpp"
#include "protocol/http/loop_cache.hpp"

namespace evio { inline namespace v0 { namespace http {

class Service;

/// The state of one HTTP connection, stored as the connection's context. Used on its loop's thread
/// only.
///
/// A connection has at most one Exchange at a time: the request that is being read or answered. So
/// pipelined requests (RFC 9112, section 9.3.2) wait as bytes in the connection's input, and their
/// answers are in order without a queue. After an upgrade all events go to an Upgraded object.
///
/// Output goes through LoopCache::batch, so that the many small parts of a header leave in one
/// write; flush() must therefore run before control returns to the loop.
class Session {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Session(Conn& conn, Service& service);
  Session(const Session&) = delete;
  ~Session();

  // The events of the connection
  void opened();
  Action data(Input& in);
  Action drained();
  Action ended(Input& in);
  Action draining();
  void closed(std::error_code error);

  // For the exchange
  Conn& conn() noexcept { return conn_; }
  std::uint64_t number() const noexcept { return number_; }
  Context& user_context() noexcept { return user_context_; }
  std::string_view common_fields();
  std::chrono::sys_seconds date();
  Gzip& gzip();
  const Settings& settings() const noexcept;
  /// Appends output. The bytes are copied, so they need not outlive the call.
  void put(std::string_view bytes) {
    if (bytes.size() > Batch::piece_max) return put_alone(bytes);
    loop_cache_.batch.append(bytes);
    if (loop_cache_.batch.full()) flush();
  }
  void put(SharedBytes bytes);
  /// The result for the caller of Response::write.
  WriteResult write_result() const noexcept {
    if (!conn_.is_open()) return WriteResult::Kind::dropped;
    return ready_ ? WriteResult::Kind::accepted : WriteResult::Kind::congested;
  }
  /// Whether more output waits than the connection may store (Limits::output_max).
  bool overfull() const noexcept { return rest_ != nullptr; }
  /// Whether the server drains and no other request has arrived: this answer is the last one.
  bool ends() const noexcept;
  /// Stops passing on the body of the request until resume().
  void pause();
  void resume();

  // For ResponseHandle. Exchange objects are reused, so a handle refers to one by its number.
  /// Calls fn for the exchange with that number. Returns false if that exchange is over.
  bool answer(std::uint64_t number, const Callback<void(Response&)>& fn);
  /// The last handle to that exchange was destroyed without an answer.
  void abandoned(std::uint64_t number);

 private:
  Time now() const noexcept;
  Time from_now(Duration time) const noexcept;
  Duration elapsed_since(Time then) const noexcept;
  bool step(Input& in);
  bool read_header(Input& in);
  bool limit_body(std::uint64_t bytes);
  bool begin_streamed();
  bool read_body(Input& in);
  bool deliver(std::string_view piece);
  bool deliver_end();
  bool dispatch();
  template <class Call>
  void call(Call&& user_call);
  bool update();
  void fail();
  void produce();
  void complete();
  void refuse(int status);
  void put_alone(std::string_view bytes);
  std::size_t room() const noexcept;
  void pass_on(const SharedBytes& bytes);
  void store_rest(SharedBytes bytes);
  void await_room();
  void put_rest();
  void flush();
  std::size_t held() const noexcept;
  void finish();
  void end();
  bool has_input() const noexcept;
  void update_reading();
  void close_if_idle();
  Action begin_upgraded();

  void arm(Duration allowed);
  void credit_body_bytes(std::size_t received);
  void expect_within(Duration time);
  void check_deadlines();
  bool stalled();
  Duration allowed() const;
  Duration waited() const;

  Conn& conn_;
  Service& service_;
  LoopCache& loop_cache_;
  std::unique_ptr<Exchange> exchange_;  // the request being read or answered
  std::unique_ptr<Upgraded> upgraded_;
  Context user_context_;
  // The output that would exceed Limits::output_max; null if there is none, as mostly. Until it has
  // left, ready_ is false.
  std::unique_ptr<std::vector<SharedBytes>> rest_;
  std::uint64_t number_ = 1;
  std::uint64_t written_ = 0;  // bytes of output since the connection began
  // Bytes that the kernel has taken plus bytes that the client has acknowledged, when stalled()
  // last looked. The sum grows if either does.
  std::uint64_t progress_ = 0;
  Time progressed_{};     // when progress_ last grew
  Time since_{};          // when the present wait for the client began
  Time due_{};            // when timer_ expires
  Timer timer_;           // the only deadline; check_deadlines() decides what it means
  bool ready_ = true;     // there is room for more output
  bool closing_ = false;  // close when the output has left; no further request is read
  bool unread_ = false;   // the last request was answered before it had arrived completely
  bool ended_ = false;    // shutdown_write was called
  bool draining_ = false;
  bool waited_ = false;  // output was waiting when stalled() last looked
  bool peer_ended_ = false;
  bool greeted_ = false;  // Upgraded::opened was called
};

}}}  // namespace evio::v0::http
