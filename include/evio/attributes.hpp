// Attributes by name, of any types.
#pragma once

#include <cstddef>
#include <evio/context.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace evio { inline namespace v0 {

/// Values that parts of a program which do not know each other keep under names of theirs:
/// Conn::values(). What a part keeps for itself alone is faster in Conn::context.
class Attributes {
 public:
  /// Keeps `value` under `name`, in place of what was there.
  template <class T>
  std::decay_t<T>& set(std::string_view name, T&& value) {
    auto place = values_.find(name);
    if (place == values_.end()) place = values_.emplace(std::string(name), Context()).first;
    return place->second.template emplace<std::decay_t<T>>(std::forward<T>(value));
  }
  /// The value, or null when there is none or it is of another type.
  template <class T>
  T* get(std::string_view name) const noexcept {
    const auto place = values_.find(name);
    return place == values_.end() ? nullptr : place->second.template get<T>();
  }
  /// False if there was none.
  bool erase(std::string_view name) {
    const auto place = values_.find(name);
    if (place == values_.end()) return false;
    values_.erase(place);
    return true;
  }
  /// How many there are.
  std::size_t size() const noexcept { return values_.size(); }

 private:
  std::map<std::string, Context, std::less<>> values_;
};

}}  // namespace evio::v0
