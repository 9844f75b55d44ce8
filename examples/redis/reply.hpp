// What a client is answered: RESP2, gathered and sent together.
#pragma once

#include <charconv>
#include <cstdint>
#include <evio/conn.hpp>
#include <evio/shared_bytes.hpp>
#include <string>
#include <string_view>

#include "store.hpp"

namespace redis {

/// Writes the answers to one connection. `gathered` may be shared by all connections of a loop: it
/// is empty between their handlers, if each begins with begin() and ends with flush().
class Reply {
 public:
  Reply(evio::Conn& conn, std::string& gathered) : conn_(conn), gathered_(gathered) {}

  void ok() { put("+OK\r\n"); }
  void null() { put("$-1\r\n"); }
  void integer(std::int64_t value) { number(':', value); }
  /// Its elements follow.
  void array(std::size_t size) { number('*', static_cast<std::int64_t>(size)); }

  void status(std::string_view text) {
    put("+");
    put(text);
    put("\r\n");
  }

  /// Like Redis: "-ERR " goes before it unless it begins with a '-' and a code of its own; it stays
  /// on one line.
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

  /// Part of an answer, which is not copied.
  void as_it_is(const evio::SharedBytes& bytes) {
    if (muted_) return;
    flush();
    wanted_ = static_cast<bool>(conn_.write(bytes));
  }

  /// Answers are dropped while it is on.
  void mute(bool on) { muted_ = on; }

  /// Sends what is gathered.
  void flush() {
    if (!gathered_.empty()) wanted_ = static_cast<bool>(conn_.write(gathered_));
    gathered_.clear();
  }
  /// Forgets what is gathered: there is something if the last handler failed.
  void begin() {
    gathered_.clear();
    wanted_ = true;
  }
  /// False once the connection has more than enough to send: go on when it has been sent.
  bool more_wanted() {
    if (gathered_.size() >= flush_size) flush();
    return wanted_;
  }

 private:
  void put(std::string_view text) {
    if (!muted_) gathered_ += text;
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
  std::string& gathered_;
  bool wanted_ = true;
  bool muted_ = false;
};

}  // namespace redis
