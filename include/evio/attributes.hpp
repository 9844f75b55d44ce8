// Attributes: values of any types by name, which a connection carries.
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

/// Values by name, for parts of a program that do not know each other: see Conn::values(). Each
/// part uses names of its own. A part alone is better served by Conn::context, which needs no
/// search.
///
///     conn.values().set("auth.user", std::string("alice"));
///     const auto* user = conn.values().get<std::string>("auth.user");
///
/// Like the connection, it belongs to the loop's thread. A search takes logarithmic time.
class Attributes {
 public:
  /// Stores `value` under `name`, and replaces the previous value. The reference is valid until the
  /// value is replaced or erased.
  template <class T>
  std::decay_t<T>& set(std::string_view name, T&& value) {
    auto place = values_.find(name);
    if (place == values_.end()) place = values_.emplace(std::string(name), Context()).first;
    return place->second.template emplace<std::decay_t<T>>(std::forward<T>(value));
  }
  /// The value, or null if there is none or it has another type than T.
  template <class T>
  T* get(std::string_view name) const noexcept {
    const auto place = values_.find(name);
    return place == values_.end() ? nullptr : place->second.template get<T>();
  }
  /// Destroys the value; false if there was none.
  bool erase(std::string_view name) {
    const auto place = values_.find(name);
    if (place == values_.end()) return false;
    values_.erase(place);
    return true;
  }
  /// The number of values.
  std::size_t size() const noexcept { return values_.size(); }

 private:
  std::map<std::string, Context, std::less<>> values_;
};

}}  // namespace evio::v0
