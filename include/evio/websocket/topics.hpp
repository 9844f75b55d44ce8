// Publish and subscribe: sends one message to many WebSockets.
#pragma once

#include <evio/export.hpp>
#include <evio/websocket/message.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace websocket {

class TopicHub;
class WebSocket;

/// Named topics to which the WebSockets of a server subscribe, over all its loops:
///
///     websocket::Topics topics;
///     websocket::server({.opened = [topics](auto& socket) { topics.subscribe(socket, "news"); },
///                        .message = [topics](auto&, auto m) { topics.publish("news", m); }});
///
/// A published message is encoded as a frame once and sent to all subscribers without being copied
/// for each. A topic exists while it has subscribers. Copies of a Topics object share their topics;
/// they may outlive the server or be destroyed before it.
class EVIO_API Topics {
 public:
  /// Makes an independent set of topics.
  Topics();

  /// Subscribes a WebSocket to a topic, until it unsubscribes or closes. Call it on the thread of
  /// the WebSocket's loop. Returns false if it is subscribed already. Throws std::logic_error for a
  /// client's WebSocket: a client masks each frame anew (RFC 6455, section 5.3), so it cannot share
  /// one.
  bool subscribe(WebSocket& socket, std::string_view topic) const;
  /// Ends a subscription. Call it on the thread of the WebSocket's loop. Returns false if there is
  /// none. Takes time in proportion to the number of the WebSocket's subscriptions, as subscribe()
  /// does.
  bool unsubscribe(WebSocket& socket, std::string_view topic) const;
  /// Sends a message, without compression, to all open subscribers of a topic. It may be called on
  /// any thread; the message is posted to each loop that has subscribers of this Topics object.
  /// Calls of one thread take effect in order.
  ///
  /// Slow subscribers get the message too: it counts as their output, and a subscriber for which
  /// more than Limits::output_max waits is disconnected.
  void publish(std::string_view topic, Message message) const;

 private:
  std::shared_ptr<TopicHub> hub_;
};

}}}  // namespace evio::v0::websocket
