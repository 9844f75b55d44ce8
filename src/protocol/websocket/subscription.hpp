// The subscriptions behind Topics: by WebSocket, by loop, and over all loops.
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

/// The subscribers of one loop, by topic. Used on the loop's thread only, so publishing to them
/// needs no lock.
class LoopTopics {
 public:
  struct Subscription;
  using Members = std::vector<Subscription*>;

  struct Subscription {
    Session* session;
    Members* members;        // the subscribers of the same topic
    std::size_t place;       // its index in them, so that it is removed in constant time
    std::string_view topic;  // a view of the key in topics_
    std::shared_ptr<TopicHub> hub;
  };

  void publish(std::string_view topic, const SharedBytes& frame) const;
  void add(Subscription& subscription, std::string_view topic);
  void remove(const Subscription& subscription);
  bool empty() const noexcept { return topics_.empty(); }

 private:
  std::map<std::string, Members, std::less<>> topics_;
};

/// The state that copies of a Topics object share: the loops that have subscribers. For any thread.
class TopicHub {
 public:
  /// Posts the frame to each loop that has subscribers.
  void publish(std::string_view topic, const SharedBytes& frame);
  /// Returns the subscribers of a loop, on that loop's thread. Registers the loop.
  LoopTopics& topics_of(Loop& loop);
  /// Removes the loop if it has no subscription any more. Subscriptions end before their loop, so a
  /// registered loop exists, and publish() may post to it while it holds the lock.
  void release(Loop& loop);

 private:
  std::mutex mutex_;
  std::unordered_map<Loop*, std::shared_ptr<LoopTopics>> loops_;
};

/// The subscriptions of one WebSocket. They end with it.
class Subscriptions {
 public:
  Subscriptions() = default;
  Subscriptions(const Subscriptions&) = delete;

  /// Returns false if there is such a subscription already.
  bool add(Session& session, const std::shared_ptr<TopicHub>& hub, std::string_view topic);
  /// Returns false if there is no such subscription.
  bool remove(const std::shared_ptr<TopicHub>& hub, std::string_view topic);
  void clear();

 private:
  using All = std::vector<std::unique_ptr<LoopTopics::Subscription>>;

  All::iterator find(const std::shared_ptr<TopicHub>& hub, std::string_view topic);
  static void end(const LoopTopics::Subscription& subscription);

  All all_;
};

}}}  // namespace evio::v0::websocket
