// Objects that WebSockets need only during an event: each thread has one set for all of them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "protocol/websocket/frames.hpp"
#include "protocol/websocket/message_reader.hpp"

namespace evio { inline namespace v0 { namespace websocket {

/// The set of one thread. thread_local, because Topics::publish may be called on a thread without a
/// loop. Events of one thread do not overlap, so one of each object is enough.
class LoopCache {
 public:
  static LoopCache& of_this_thread();

  /// Returns an idle reader.
  std::unique_ptr<MessageReader> take_reader();
  /// Takes an idle reader back, for another WebSocket.
  void give_back(std::unique_ptr<MessageReader> reader);

  FrameWriter plain_frames{false};  // of servers
  FrameWriter masked_frames{true};  // of clients
  std::string compressed;           // a compressed message, until it is written

 private:
  static constexpr std::size_t spare_at_most = 16;

  std::vector<std::unique_ptr<MessageReader>> spare_;
};

}}}  // namespace evio::v0::websocket
