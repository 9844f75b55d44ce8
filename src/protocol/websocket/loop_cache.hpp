// What WebSockets use for a moment only: one of each thread serves all of its loop's.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "protocol/websocket/frames.hpp"
#include "protocol/websocket/message_reader.hpp"

namespace evio { inline namespace v0 { namespace websocket {

class LoopCache {
 public:
  static LoopCache& of_this_thread();

  std::unique_ptr<MessageReader> take_reader();
  void give_back(std::unique_ptr<MessageReader> reader);

  FrameWriter plain_frames{false};
  FrameWriter masked_frames{true};
  std::string compressed;  // a message on its way out

 private:
  static constexpr std::size_t spare_at_most = 16;

  std::vector<std::unique_ptr<MessageReader>> spare_;
};

}}}  // namespace evio::v0::websocket
