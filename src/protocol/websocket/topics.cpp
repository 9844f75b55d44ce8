// Publish and subscribe for WebSockets.
#include <algorithm>
#include <evio/websocket/socket.hpp>
#include <evio/websocket/topics.hpp>
#include <stdexcept>
#include <utility>

#include "protocol/websocket/loop_cache.hpp"
#include "protocol/websocket/session.hpp"
#include "protocol/websocket/subscription.hpp"

namespace evio { inline namespace v0 { namespace websocket {

Topics::Topics() : hub_(std::make_shared<TopicHub>()) {}

bool Topics::subscribe(WebSocket& socket, std::string_view topic) const {
  Session& session = socket.session_;
  if (session.side() == Side::client)
    throw std::logic_error("evio: only a server's WebSockets can subscribe");
  return session.subscriptions().add(session, hub_, topic);
}

bool Topics::unsubscribe(WebSocket& socket, std::string_view topic) const {
  return socket.session_.subscriptions().remove(hub_, topic);
}

void Topics::publish(std::string_view topic, Message message) const {
  // Encoded once, on the caller's thread. It is not compressed: each connection has its own window.
  std::string frame;
  LoopCache::of_this_thread().plain_frames.write(
      message.kind == Kind::text ? Opcode::text : Opcode::binary, false, message.bytes,
      [&](std::string_view header, std::string_view bytes) { frame.append(header).append(bytes); });
  hub_->publish(topic, SharedBytes(std::move(frame)));
}

// The lock is held while posting: a loop that is registered then still exists.
void TopicHub::publish(std::string_view topic, const SharedBytes& frame) {
  const std::lock_guard lock(mutex_);
  for (const auto& [loop, topics] : loops_)
    loop->post(
        [topics = topics, topic = std::string(topic), frame] { topics->publish(topic, frame); });
}

LoopTopics& TopicHub::topics_of(Loop& loop) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<LoopTopics>& topics = loops_[&loop];
  if (!topics) topics = std::make_shared<LoopTopics>();
  return *topics;
}

void TopicHub::release(Loop& loop) {
  const std::lock_guard lock(mutex_);
  const auto found = loops_.find(&loop);
  if (found != loops_.end() && found->second->empty()) loops_.erase(found);
}

// No subscription changes during the loop: sending calls no handler.
void LoopTopics::publish(std::string_view topic, const SharedBytes& frame) const {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return;
  for (const Subscription* each : found->second) each->session->send_frame(frame);
}

void LoopTopics::add(Subscription& subscription, std::string_view topic) {
  const auto at = topics_.try_emplace(std::string(topic)).first;
  subscription.topic = at->first;  // keys and values of a map keep their addresses
  subscription.members = &at->second;
  subscription.place = at->second.size();
  at->second.push_back(&subscription);
}

// The last member takes the place of the removed one.
void LoopTopics::remove(const Subscription& subscription) {
  Members& members = *subscription.members;
  members[subscription.place] = members.back();
  members[subscription.place]->place = subscription.place;
  members.pop_back();
  if (members.empty()) topics_.erase(topics_.find(subscription.topic));
}

// The subscription has an address that does not change, because LoopTopics refers to it.
bool Subscriptions::add(Session& session, const std::shared_ptr<TopicHub>& hub,
                        std::string_view topic) {
  if (find(hub, topic) != all_.end()) return false;
  auto subscription = std::make_unique<LoopTopics::Subscription>();
  subscription->session = &session;
  subscription->hub = hub;
  all_.push_back(std::move(subscription));
  hub->topics_of(session.conn().loop()).add(*all_.back(), topic);
  return true;
}

bool Subscriptions::remove(const std::shared_ptr<TopicHub>& hub, std::string_view topic) {
  const auto at = find(hub, topic);
  if (at == all_.end()) return false;
  end(**at);
  all_.erase(at);
  return true;
}

void Subscriptions::clear() {
  for (const auto& each : all_) end(*each);
  all_.clear();
}

Subscriptions::All::iterator Subscriptions::find(const std::shared_ptr<TopicHub>& hub,
                                                 std::string_view topic) {
  return std::ranges::find_if(
      all_, [&](const auto& each) { return each->hub == hub && each->topic == topic; });
}

void Subscriptions::end(const LoopTopics::Subscription& subscription) {
  Loop& loop = subscription.session->conn().loop();
  subscription.hub->topics_of(loop).remove(subscription);
  subscription.hub->release(loop);
}

}}}  // namespace evio::v0::websocket
