// Context: one value of any type, which a connection or a loop carries for the user.
#pragma once

#include <memory>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace evio { inline namespace v0 {

/// Holds one value of any type, or none: the value of Conn::context and Loop::context. Unlike
/// std::any it accepts types that cannot be copied, and never moves the value.
class Context {
 public:
  /// The value, or null if there is none or it has another type than T; a base class of its type
  /// does not count.
  template <class T>
  T* get() const noexcept {
    return held_ && held_->type() == typeid(T) ? &static_cast<Held<T>&>(*held_).value : nullptr;
  }
  /// Constructs a T from constructor arguments or, for an aggregate, from the values of its
  /// members. The previous value is destroyed first. Allocates once.
  template <class T, class... Args>
  T& emplace(Args&&... args) {
    held_.reset();
    auto made = std::make_unique<Held<T>>(std::forward<Args>(args)...);
    T& value = made->value;
    held_ = std::move(made);
    return value;
  }
  /// Destroys the value, if there is one.
  void reset() noexcept { held_.reset(); }

 private:
  struct Holder {
    virtual ~Holder() = default;
    virtual const std::type_info& type() const noexcept = 0;
  };
  template <class T>
  struct Held final : Holder {
    template <class... Args>
    requires std::is_constructible_v<T, Args...>
    explicit Held(Args&&... args) : value(std::forward<Args>(args)...) {}
    template <class... Args>
    requires(!std::is_constructible_v<T, Args...>) explicit Held(Args&&... args)
        : value{std::forward<Args>(args)...} {}
    const std::type_info& type() const noexcept override { return typeid(T); }
    T value;
  };

  std::unique_ptr<Holder> held_;
};

}}  // namespace evio::v0
