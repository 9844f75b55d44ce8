// Objects that WebSockets need only during an event.
#include "protocol/websocket/loop_cache.hpp"

#include <utility>

namespace evio { inline namespace v0 { namespace websocket {

LoopCache& LoopCache::of_this_thread() {
  static thread_local LoopCache loop_cache;
  return loop_cache;
}

std::unique_ptr<MessageReader> LoopCache::take_reader() {
  if (spare_.empty()) return std::make_unique<MessageReader>();
  std::unique_ptr<MessageReader> reader = std::move(spare_.back());
  spare_.pop_back();
  return reader;
}

// Readers beyond the bound are freed: they are needed only while many messages are incomplete.
void LoopCache::give_back(std::unique_ptr<MessageReader> reader) {
  reader->shrink();
  if (spare_.size() < spare_at_most) spare_.push_back(std::move(reader));
}

}}}  // namespace evio::v0::websocket
