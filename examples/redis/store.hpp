// The key-value store with expiry.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <evio/shared_bytes.hpp>
#include <functional>
#include <list>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

namespace redis {

/// Milliseconds since 1970.
inline std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// A string; a large one is a SharedBytes, which can be sent without being copied.
class Value {
 public:
  std::string_view view() const {
    if (const auto* buffer = large()) return buffer->view();
    return std::get<std::string>(bytes_);
  }
  const evio::SharedBytes* large() const noexcept {
    return std::get_if<evio::SharedBytes>(&bytes_);
  }

  void set(std::string_view text) {
    auto* small = std::get_if<std::string>(&bytes_);
    if (text.size() >= large_min)
      bytes_ = evio::SharedBytes(std::string(text));
    else if (small && small->capacity() / 2 <= text.size() + 16)
      small->assign(text);
    else
      bytes_ = std::string(text);
  }

 private:
  static constexpr std::size_t large_min = 32 << 10;
  std::variant<std::string, evio::SharedBytes> bytes_;
};

/// A map of strings that removes expired keys, and that can be iterated in steps while it changes.
/// For one thread.
class Store {
 public:
  static constexpr std::int64_t never = -1;

  struct Entry;
  using Item = std::pair<const std::string, Entry>;
  using Order = std::list<Item*>;
  struct Entry {
    Value value;
    std::int64_t expires = never;  // the last millisecond in which the key exists
    Order::iterator place{};
  };

  /// An iteration: visits each key that exists during all of it once, and no key that was added
  /// after it started.
  class Walk {
   public:
    explicit Walk(Store& store) : store_(store), next_(store.order_.begin()) {
      store_.walks_.push_back(this);
    }
    ~Walk() { store_.walks_.remove(this); }
    Walk(const Walk&) = delete;
    Walk& operator=(const Walk&) = delete;

    /// The current key, until it advances or the key is erased; null at the end.
    const Item* item() const { return next_ == store_.order_.end() ? nullptr : *next_; }
    void advance() { ++next_; }
    /// Whether the current key was erased since the last call: then the next key is current.
    bool pushed() { return std::exchange(pushed_, false); }

   private:
    friend class Store;
    Store& store_;
    Order::iterator next_;
    bool pushed_ = false;
  };

  std::size_t size() const noexcept { return items_.size(); }
  /// The number of keys that will expire.
  std::size_t mortals() const noexcept { return deadlines_.size(); }

  /// The value; null if the key does not exist or has expired. Valid until it is erased.
  Item* find(std::string_view key) {
    const auto found = items_.find(key);
    if (found == items_.end()) return nullptr;
    if (!expired(*found)) return &*found;
    erase(*found);
    return nullptr;
  }

  Item& find_or_add(std::string_view key) {
    if (Item* found = find(key)) return *found;
    Item& item = *items_.emplace(key, Entry()).first;
    order_.push_front(&item);
    item.second.place = order_.begin();
    return item;
  }

  void set_expiry(Item& item, std::int64_t when) {
    std::int64_t& expires = item.second.expires;
    if (expires == when) return;
    if (expires != never) deadlines_.erase({expires, &item});
    if (when != never) deadlines_.insert({when, &item});
    expires = when;
  }

  void erase(Item& item) {
    set_expiry(item, never);
    for (Walk* walk : walks_) {
      if (walk->next_ != item.second.place) continue;
      walk->advance();
      walk->pushed_ = true;
    }
    order_.erase(item.second.place);
    items_.erase(items_.find(item.first));
  }

  void clear() {
    for (Walk* walk : walks_) walk->next_ = order_.end();
    deadlines_.clear();
    order_.clear();
    items_.clear();
  }

  static bool expired(const Item& item) {
    return item.second.expires != never && item.second.expires < now_ms();
  }

  /// The time at which the next key expires, or never.
  std::int64_t first_deadline() const {
    return deadlines_.empty() ? never : deadlines_.begin()->first;
  }

  /// Erases expired keys, at most that many.
  void expire(int count_max) {
    for (; count_max > 0 && !deadlines_.empty() && expired(*deadlines_.begin()->second);
         --count_max)
      erase(*deadlines_.begin()->second);
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const {
      return std::hash<std::string_view>()(key);
    }
  };

  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> items_;
  Order order_;  // newest first
  std::set<std::pair<std::int64_t, Item*>> deadlines_;
  std::list<Walk*> walks_;
};

}  // namespace redis
