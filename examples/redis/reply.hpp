// Writes replies in RESP2; the replies of one handler call are sent together.
#pragma once

#include <charconv>
#include <cstdint>
#include <evio/conn.hpp>
#include <evio/shared_bytes.hpp>
#include <string>
#include <string_view>

#include "store.hpp"

namespace redis {

/// Writes the replies to one connection. All connections of a loop may share one `buffer`: it is
/// empty between their handlers, if each handler starts with begin() and ends with flush().
class Reply {
 public:
  Reply(evio::Conn& conn, std::string& buffer) : conn_(conn), buffer_(buffer) {}

  void ok() { put("+OK\r\n"); }
  void null() { put("$-1\r\n"); }
  void integer(std::int64_t value) { number(':', value); }
  /// The header of an array whose elements follow.
  void array(std::size_t size) { number('*', static_cast<std::int64_t>(size)); }

  void status(std::string_view text) {
    put("+");
    put(text);
    put("\r\n");
  }

  /// As in Redis, "-ERR " precedes the text unless it starts with '-' and its own code; line breaks
  /// become blanks.
  void error(std::string text) {
    text.erase(text.find_last_not_of("\r\n") + 1);
    for (char& c : text)
      if (c == '\r' || c == '\n') c = ' ';
    if (!text.starts_with('-')) put("-ERR ");
    put(text);
    put("\r\n");
  }

  void bulk(std::string_view text) {
    number('$', static_cast<std::int64_t>(text.size()));
    put(text);
    put("\r\n");
  }

  void bulk(const Value& value) {
    if (!value.large()) return bulk(value.view());
    number('$', static_cast<std::int64_t>(value.view().size()));
    as_it_is(*value.large());
    put("\r\n");
  }

  /// A part of a reply that is not copied.
  void as_it_is(const evio::SharedBytes& bytes) {
    if (muted_) return;
    flush();
    wanted_ = static_cast<bool>(conn_.write(bytes));
  }

  /// Replies are dropped while it is on.
  void mute(bool on) { muted_ = on; }

  /// Sends the buffered replies.
  void flush() {
    if (!buffer_.empty()) wanted_ = static_cast<bool>(conn_.write(buffer_));
    buffer_.clear();
  }
  /// Discards the buffered replies: some remain if the last handler failed.
  void begin() {
    buffer_.clear();
    wanted_ = true;
  }
  /// False once the connection has more than enough output: continue when it has been sent.
  bool more_wanted() {
    if (buffer_.size() >= flush_size) flush();
    return wanted_;
  }

 private:
  void put(std::string_view text) {
    if (!muted_) buffer_ += text;
  }
  void number(char type, std::int64_t value) {
    char line[24] = {type};
    char* end = std::to_chars(line + 1, line + sizeof line - 2, value).ptr;
    *end++ = '\r';
    *end++ = '\n';
    put({line, static_cast<std::size_t>(end - line)});
  }

  static constexpr std::size_t flush_size = 64 << 10;

  evio::Conn& conn_;
  std::string& buffer_;
  bool wanted_ = true;
  bool muted_ = false;
};

}  // namespace redis
