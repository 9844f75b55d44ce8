#include <algorithm>
#include <evio/buffer.hpp>
#include <utility>

namespace evio::inline v1 {

Buffer::Buffer(std::string bytes) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  bytes_ = *owner;
  owner_ = std::move(owner);
}

Buffer::Buffer(std::shared_ptr<const void> owner, std::string_view bytes) noexcept
    : owner_(std::move(owner)), bytes_(bytes) {}

Buffer Buffer::part(std::size_t from, std::size_t count) const {
  return {owner_, bytes_.substr(std::min(from, bytes_.size()), count)};
}

}  // namespace evio::inline v1
