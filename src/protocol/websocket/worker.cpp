// What WebSockets use for a moment only.
#include "protocol/websocket/worker.hpp"

#include <utility>

namespace evio::inline v1::websocket {

Worker& Worker::of_this_thread() {
  static thread_local Worker worker;
  return worker;
}

std::unique_ptr<MessageReader> Worker::take_reader() {
  if (spare_.empty()) return std::make_unique<MessageReader>();
  std::unique_ptr<MessageReader> reader = std::move(spare_.back());
  spare_.pop_back();
  return reader;
}

void Worker::give_back(std::unique_ptr<MessageReader> reader) {
  reader->shrink();
  if (spare_.size() < spare_at_most) spare_.push_back(std::move(reader));
}

}  // namespace evio::inline v1::websocket
