// SharedBytes: reference-counted bytes.
#include <algorithm>
#include <evio/shared_bytes.hpp>
#include <utility>

namespace evio { inline namespace v0 {

SharedBytes::SharedBytes(std::string bytes) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  bytes_ = *owner;
  owner_ = std::move(owner);
}

SharedBytes::SharedBytes(std::shared_ptr<const void> owner, std::string_view bytes) noexcept
    : owner_(std::move(owner)), bytes_(bytes) {}

SharedBytes SharedBytes::part(std::size_t from, std::size_t count) const {
  return {owner_, bytes_.substr(std::min(from, bytes_.size()), count)};
}

}}  // namespace evio::v0
