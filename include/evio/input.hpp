// Input: received bytes that no handler has taken yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace evio { inline namespace v0 {

/// The received bytes that a handler has not taken yet, in one contiguous piece. It is borrowed for
/// one handler call.
///
///     .data = [](evio::Conn& c, evio::Input& in) {
///       while (in.size() >= 4) handle(in.take(4));  // the rest comes again, with more
///     }
///
/// Lifetime: every string_view from it is valid until the handler returns, whatever is taken,
/// written or closed meanwhile. Copy what you need for longer. Writing such a view to the same
/// connection copies nothing.
///
/// What the handler leaves is passed again next time, followed by newer bytes; at most
/// Limits::input_max.
class Input {
 public:
  /// For unit tests of your own handlers: `evio::Input in("GET / HTTP/1.1\r\n")`. The bytes are
  /// not copied: they must outlive it.
  Input(std::string_view bytes) noexcept : bytes_(bytes) {}  // NOLINT(google-explicit-constructor)
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  /// All bytes, without taking any.
  std::string_view view() const noexcept { return bytes_; }
  /// How many bytes are left.
  std::size_t size() const noexcept { return bytes_.size(); }
  /// Whether no bytes are left.
  bool empty() const noexcept { return bytes_.empty(); }

  /// Takes all bytes.
  std::string_view take() noexcept { return take(bytes_.size()); }
  /// Takes the first n bytes, or all if there are fewer: check size() first where it matters.
  std::string_view take(std::size_t n) noexcept {
    std::string_view taken = bytes_.substr(0, n);
    bytes_.remove_prefix(taken.size());
    return taken;
  }
  /// Discards the first n bytes, or all if there are fewer.
  void consume(std::size_t n) noexcept { bytes_.remove_prefix(std::min(n, bytes_.size())); }

 private:
  std::string_view bytes_;
};

}}  // namespace evio::v0
