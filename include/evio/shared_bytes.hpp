// SharedBytes: reference-counted bytes, to send to many peers without copying them for each.
#pragma once

#include <evio/export.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 {

/// Immutable bytes with a reference count. Copies share the bytes, and the last copy frees them, on
/// whatever thread it is destroyed. Sending one copies the bytes only if they are few (up to 512).
/// May be used from any thread.
///
///     const evio::SharedBytes news(render());
///     for (const evio::Handle& peer : peers) peer.send(news);
class EVIO_API SharedBytes {
 public:
  SharedBytes() = default;  ///< no bytes
  /// Takes the string over, without copying it if it was moved here.
  explicit SharedBytes(std::string bytes);
  /// Refers to `bytes`, which must stay valid and unchanged as long as `owner` lives; for example a
  /// mapped file, whose owner unmaps it.
  SharedBytes(std::shared_ptr<const void> owner, std::string_view bytes) noexcept;

  /// The bytes, valid as long as this SharedBytes or a copy of it.
  std::string_view view() const noexcept { return bytes_; }
  /// The number of bytes.
  std::size_t size() const noexcept { return bytes_.size(); }
  /// The part that begins at `from`, at most `count` bytes; it shares the bytes with this one.
  SharedBytes part(std::size_t from, std::size_t count = std::string_view::npos) const;

 private:
  std::shared_ptr<const void> owner_;
  std::string_view bytes_;
};

}}  // namespace evio::v0
