// A WebSocket's places among the subscribers of topics.
#pragma once

#include <cstddef>
#include <evio/loop.hpp>
#include <evio/shared_bytes.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace evio { inline namespace v0 { namespace websocket {

class Session;
class TopicHub;

/// Who of one loop subscribed to what. Belongs to the loop's thread.
class LoopTopics {
 public:
  struct Subscription;
  using Members = std::vector<Subscription*>;

  struct Subscription {
    Session* session;
    Members* members;   // of the topic
    std::size_t place;  // among them
    std::string_view topic;
    std::shared_ptr<TopicHub> hub;
  };

  void publish(std::string_view topic, const SharedBytes& frame) const;
  void add(Subscription& subscription, std::string_view topic);
  void remove(const Subscription& subscription);
  bool empty() const noexcept { return topics_.empty(); }

 private:
  std::map<std::string, Members, std::less<>> topics_;
};

/// What Topics names: the loops that have subscribers. For any thread.
class TopicHub {
 public:
  void publish(std::string_view topic, const SharedBytes& frame);
  /// The loop's, made if it has none.
  LoopTopics& topics_of(Loop& loop);
  /// Behind a subscription's end: forgets the loop if that was its last one. So whoever publishes
  /// knows that a loop that is known here lives.
  void release(Loop& loop);

 private:
  std::mutex mutex_;
  std::unordered_map<Loop*, std::shared_ptr<LoopTopics>> loops_;
};

/// Of one WebSocket; they end with it.
class Subscriptions {
 public:
  Subscriptions() = default;
  Subscriptions(const Subscriptions&) = delete;

  bool add(Session& session, const std::shared_ptr<TopicHub>& hub, std::string_view topic);
  bool remove(const std::shared_ptr<TopicHub>& hub, std::string_view topic);
  void clear();

 private:
  using All = std::vector<std::unique_ptr<LoopTopics::Subscription>>;

  All::iterator find(const std::shared_ptr<TopicHub>& hub, std::string_view topic);
  static void end(const LoopTopics::Subscription& subscription);

  All all_;
};

}}}  // namespace evio::v0::websocket
