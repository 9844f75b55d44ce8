// What a peer sent and nobody took yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace evio { inline namespace v0 {

/// The untaken bytes of a connection, contiguous, lent for one handler call. Every string_view got
/// from it is valid until the handler returns, whatever is taken, written or closed meanwhile. What
/// the handler leaves comes first next time, together with what arrived behind it.
class Input {
 public:
  /// For unit tests of your own handlers: `evio::Input in("GET / HTTP/1.1\r\n")`. The bytes are not
  /// copied.
  Input(std::string_view bytes) noexcept : bytes_(bytes) {}  // NOLINT(google-explicit-constructor)
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  /// All of it, taking nothing.
  std::string_view view() const noexcept { return bytes_; }
  /// How many bytes are left.
  std::size_t size() const noexcept { return bytes_.size(); }
  /// Whether none is left.
  bool empty() const noexcept { return bytes_.empty(); }

  /// Takes everything.
  std::string_view take() noexcept { return take(bytes_.size()); }
  /// Takes the first n bytes, or as many as there are.
  std::string_view take(std::size_t n) noexcept {
    std::string_view taken = bytes_.substr(0, n);
    bytes_.remove_prefix(taken.size());
    return taken;
  }
  /// Drops the first n bytes, or as many as there are.
  void consume(std::size_t n) noexcept { bytes_.remove_prefix(std::min(n, bytes_.size())); }

 private:
  std::string_view bytes_;
};

}}  // namespace evio::v0
