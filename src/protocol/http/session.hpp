// An HTTP connection: reads requests, has them answered one after the other, and keeps its
// deadlines.
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

/// The connection's context. All calls are for its loop's thread.
class Session {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Session(Conn& conn, Service& service);
  Session(const Session&) = delete;
  ~Session();

  // What happens on the connection
  void opened();
  Action data(Input& in);
  Action drained();
  Action ended(Input& in);
  Action draining();
  void closed(std::error_code error);

  // For its exchange
  Conn& conn() noexcept { return conn_; }
  std::uint64_t number() const noexcept { return number_; }
  Context& user_context() noexcept { return user_context_; }
  std::string_view common_fields();
  std::chrono::sys_seconds date();
  Gzip& gzip();
  const Settings& settings() const noexcept;
  void put(std::string_view bytes) {
    if (bytes.size() > Batch::piece_max) return put_alone(bytes);
    loop_cache_.batch.append(bytes);
    if (loop_cache_.batch.full()) flush();
  }
  void put(SharedBytes bytes);
  /// Whether there is room for more output.
  WriteResult write_result() const noexcept {
    if (!conn_.is_open()) return WriteResult::Kind::dropped;
    return ready_ ? WriteResult::Kind::accepted : WriteResult::Kind::congested;
  }
  /// More than the connection may keep (Limits::output_max) waits here already.
  bool overfull() const noexcept { return !rest_.empty(); }
  /// The server ends, and no other request has come: the connection ends behind this answer.
  bool ends() const noexcept;
  /// Holds the body of the request back.
  void pause();
  void resume();

  // For ResponseHandle: about the exchange with that number, if it is still the one
  /// False if that exchange is over.
  bool answer(std::uint64_t number, const Callback<void(Response&)>& fn);
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
  void keep(SharedBytes bytes);
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
  const std::size_t output_max_;        // Limits'
  std::unique_ptr<Exchange> exchange_;  // the request being read or answered
  std::unique_ptr<Upgraded> upgraded_;
  Context user_context_;
  std::vector<SharedBytes> rest_;  // of the output: what would exceed Limits::output_max. Until it
                                   // has left, ready_ is false
  const Input* input_ = nullptr;   // while `data` looks at it
  std::uint64_t number_ = 1;
  std::uint64_t written_ = 0;  // bytes, ever
  std::uint64_t progress_ =
      0;  // bytes taken by the kernel, and by the client, when the patrol last looked
  Time progressed_{};
  bool waited_ = false;  // output did, when the patrol last looked
  Time since_{};         // when what is being waited for began
  Time due_{};           // of the patrol
  Timer timer_;
  bool ready_ = true;
  bool closing_ = false;
  bool unread_ = false;  // of the request that was answered last
  bool ended_ = false;   // our side
  bool draining_ = false;
  bool peer_ended_ = false;
  bool greeted_ = false;  // Upgraded::opened was called
};

}}}  // namespace evio::v0::http
