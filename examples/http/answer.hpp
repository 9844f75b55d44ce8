// Answers to HTTP requests, and what turns the bytes of the ones into the bytes of the others.
#pragma once

#include <charconv>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <evio/evio.hpp>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "request.hpp"

namespace http {

inline constexpr std::size_t full_batch = 64 << 10;  // bytes of answers that are gathered before they are written

struct Answer {
  int status;
  std::string_view body;
  std::string_view content_type = "text/plain";
  std::string_view allow{};
};

inline Answer plain(int status) {
  const Text reason = beast::obsolete_reason(static_cast<beast::status>(status));
  return {status, std::string_view(reason.data(), reason.size())};
}

inline Answer answer_to(const Request& request) {
  const Resource* resource = request.resource();
  if (!resource) return plain(404);
  const beast::verb method = request.method() == beast::verb::head ? beast::verb::get : request.method();
  if (method != resource->method) {
    Answer refusal = plain(405);
    refusal.allow = resource->allow;
    return refusal;
  }
  return {200, resource == &greeting ? "Hello, World!\r\n" : std::string_view(request.text()), resource->content_type};
}

inline constexpr std::string_view closing = "Connection: close\r\n";

inline std::string_view connection_field(const Request& request) {
  if (!request.keep_alive()) return closing;
  return request.version() > 10 ? "" : "Connection: keep-alive\r\n";
}

/// A loop's answers on their way out, and the fields that all of them have.
class Answers {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void add(const Answer& answer, std::string_view connection, bool head, Time now) {
    const Text reason = beast::obsolete_reason(static_cast<beast::status>(answer.status));
    batch_ += "HTTP/1.1 ";
    add_number(static_cast<std::size_t>(answer.status));
    batch_.append(" ").append(reason.data(), reason.size()).append("\r\n").append(common_fields(now));
    if (!answer.allow.empty()) batch_.append("Allow: ").append(answer.allow).append("\r\n");
    batch_.append("Content-Type: ").append(answer.content_type).append("\r\nContent-Length: ");
    add_number(answer.body.size());
    batch_.append("\r\n").append(connection).append("\r\n");
    if (!head) batch_ += answer.body;
  }
  void add_continue() { batch_ += "HTTP/1.1 100 Continue\r\n\r\n"; }

  /// What waits to be written.
  std::string_view batch() const { return batch_; }
  bool full() const { return batch_.size() >= full_batch; }
  /// False: the client is slow to read, stop producing.
  bool write(evio::Conn& conn) {
    const bool ready = batch_.empty() || conn.write(batch_);
    batch_.clear();
    return ready;
  }

 private:
  void add_number(std::size_t number) {
    char digits[20];
    batch_.append(digits, std::to_chars(digits, std::end(digits), number).ptr);
  }

  // Server and Date, formatted once a second.
  std::string_view common_fields(Time now) {
    if (now >= stale_) {
      const auto time = std::chrono::system_clock::now();
      const auto second = std::chrono::floor<std::chrono::seconds>(time);
      stale_ = now + (second + std::chrono::seconds(1) - time);
      const std::time_t seconds = std::chrono::system_clock::to_time_t(second);
      std::tm utc{};
      gmtime_r(&seconds, &utc);
      size_ = std::strftime(fields_, sizeof fields_, "Server: evio\r\nDate: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
    }
    return {fields_, size_};
  }

  std::string batch_;
  Time stale_{};
  char fields_[64];
  std::size_t size_ = 0;
};

/// How far answering came.
struct Progress {
  enum Next { waits, full, closes } next;  // for more input; for the batch to be written; nothing follows
  bool answered = false;                   // at least one request
};

/// Answers what has come in. `request` is the one being read, if any.
inline Progress answer(std::optional<Request>& request, evio::Input& in, Answers& answers, Answers::Time now) {
  Progress progress{.next = Progress::waits};
  while (!in.empty()) {
    if (!request) request.emplace();
    const Request::State state = request->read(in);
    const bool head = request->method() == beast::verb::head;
    if (state == Request::State::partial) {
      if (request->awaits_continue()) answers.add_continue();
      return progress;
    }
    if (state == Request::State::refused) {
      answers.add(plain(request->status()), closing, head, now);
      progress.next = Progress::closes;
      return progress;
    }
    answers.add(answer_to(*request), connection_field(*request), head, now);
    const bool keep_alive = request->keep_alive();
    request.reset();
    progress.answered = true;
    if (!keep_alive) progress.next = Progress::closes;
    if (keep_alive && answers.full()) progress.next = Progress::full;
    if (progress.next != Progress::waits) return progress;
  }
  return progress;
}

}  // namespace http
