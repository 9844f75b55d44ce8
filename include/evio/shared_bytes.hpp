// Bytes to send to many peers without copying them for each.
#pragma once

#include <evio/export.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 {

/// Immutable shared bytes. Copies share them; they are freed with the last copy, on whatever thread
/// that is. Writing one copies its bytes only if they are few (up to 512). Any thread.
class EVIO_API SharedBytes {
 public:
  SharedBytes() = default;
  /// Takes the string over.
  explicit SharedBytes(std::string bytes);
  /// `bytes` stay valid and unchanged while `owner` lives.
  SharedBytes(std::shared_ptr<const void> owner, std::string_view bytes) noexcept;

  /// The bytes, valid as long as the SharedBytes or a copy of it.
  std::string_view view() const noexcept { return bytes_; }
  /// Their number.
  std::size_t size() const noexcept { return bytes_.size(); }
  /// Shares the bytes from `from` on, at most `count`.
  SharedBytes part(std::size_t from, std::size_t count = std::string_view::npos) const;

 private:
  std::shared_ptr<const void> owner_;
  std::string_view bytes_;
};

}}  // namespace evio::v0
