// Telling many WebSockets the same.
#pragma once

#include <evio/export.hpp>
#include <evio/websocket/message.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace websocket {

class TopicHub;
class WebSocket;

/// Who listens to what, over all loops: a message that is published is made a frame once and goes
/// to each subscriber without being copied. Copies are the same Topics; they may outlive the
/// server, or die before it.
class EVIO_API Topics {
 public:
  Topics();

  /// From now on the WebSocket gets what is published there, until it unsubscribes or closes. On
  /// its loop's thread. False: it does so already. Servers' WebSockets only: a client masks each
  /// frame anew (std::logic_error).
  bool subscribe(WebSocket& socket, std::string_view topic) const;
  /// False: it did not. On the WebSocket's loop's thread.
  bool unsubscribe(WebSocket& socket, std::string_view topic) const;
  /// Sends the message, uncompressed, to each open subscriber: posted to every loop that has some,
  /// from any thread. Calls of one thread take effect in order. It goes to slow subscribers too:
  /// what they have not taken counts as their output, and Limits::output_max ends it.
  void publish(std::string_view topic, Message message) const;

 private:
  std::shared_ptr<TopicHub> hub_;
};

}}}  // namespace evio::v0::websocket
