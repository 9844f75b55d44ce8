// Callback: the callable type of every handler, post and timer.
#pragma once

#include <cstddef>
#include <functional>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

namespace evio { inline namespace v0 {

enum class Action;

template <class Signature>
class Callback;

/// An owning, move-only callable, like C++23's std::move_only_function. It accepts every callable
/// that takes the parameters `Args...`, or only the first ones, or none, and returns `R`; where `R`
/// is Action the callable may also return void, which means Action::none. Captures may be
/// move-only.
///
///     evio::Callback<evio::Action(evio::Conn&)> opened = [](evio::Conn& c) { c.write("hello\n");
///     };
///
/// Cost: a call is one indirect call; callables of up to 32 bytes are stored in place, larger ones
/// on the heap.
///
/// An empty Callback converts to false. It comes from nullptr, and from a callable that is empty
/// itself (a null function or member pointer, an empty std::function). Calling it does nothing and
/// returns R(), or throws std::bad_function_call if R has no such value.
///
/// Thread: one at a time, except the handlers of Events, which all loops share.
template <class R, class... Args>
class Callback<R(Args...)> {
 public:
  Callback() noexcept = default;  ///< empty
  /// Makes an empty Callback.
  Callback(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)

  // Deliberately not constrained: a callable that does not fit gets a static_assert that a person
  // can read, instead of a list of rejected overloads.
  /// Stores a function, a lambda or another callable.
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Callback>) Callback(
      F&& callable) {  // NOLINT(google-explicit-constructor): handlers are written as plain lambdas
    using Callable = std::decay_t<F>;
    constexpr int taken = parameters_taken<Callable, sizeof...(Args)>();
    static_assert(taken >= 0,
                  "evio: this handler takes neither the handler's parameters (see "
                  "evio/events.hpp), nor the first of "
                  "them, nor none");
    if constexpr (taken >= 0) {
      using First = std::make_index_sequence<static_cast<std::size_t>(taken)>;
      static_assert(
          returns_fit<decltype(invoke(std::declval<Callable&>(), std::declval<All&>(), First()))>,
          "evio: this handler returns the wrong type: see its signature; where it is Action, void "
          "will do");
      if (!is_empty(callable)) emplace<Callable, First>(std::forward<F>(callable));
    }
  }

  /// Leaves `other` empty.
  Callback(Callback&& other) noexcept : call_(other.call_), manage_(other.manage_) {
    if (manage_) manage_(storage_, other.storage_);
    other.call_ = &do_nothing;
    other.manage_ = nullptr;
  }
  /// Destroys the stored callable, and leaves `other` empty.
  Callback& operator=(Callback&& other) noexcept {
    if (this != &other) {
      this->~Callback();
      new (this) Callback(std::move(other));
    }
    return *this;
  }
  ~Callback() {
    if (manage_) manage_(nullptr, storage_);
  }

  /// False if it is empty.
  explicit operator bool() const noexcept { return manage_ != nullptr; }

  /// Calls the stored callable. It is const because one Events serves all loops: with several loops
  /// a handler's captures are shared by their threads.
  R operator()(Args... args) const { return call_(storage_, std::forward<Args>(args)...); }

 private:
  static constexpr std::size_t room = 4 * sizeof(void*);
  using All = std::tuple<Args&&...>;  // the parameters of a call

  template <class Callable, std::size_t... I>
  static constexpr bool takes(std::index_sequence<I...>) {
    return std::is_invocable_v<Callable&, std::tuple_element_t<I, std::tuple<Args...>>...>;
  }
  // The largest number of leading parameters, at most `Count`, with which a Callable can be called;
  // -1 if there is none.
  template <class Callable, std::size_t Count>
  static constexpr int parameters_taken() {
    if constexpr (takes<Callable>(std::make_index_sequence<Count>()))
      return static_cast<int>(Count);
    else if constexpr (Count > 0)
      return parameters_taken<Callable, Count - 1>();
    else
      return -1;
  }
  template <class Callable, std::size_t... I>
  static decltype(auto) invoke(Callable& callable, [[maybe_unused]] All& all,
                               std::index_sequence<I...>) {
    return std::invoke(callable, std::get<I>(std::move(all))...);
  }

  // Whether `callable` is itself empty. Lambdas that convert to a function pointer never are,
  // although they compare with nullptr.
  template <class Callable>
  static bool is_empty(const Callable& callable) noexcept {
    if constexpr (std::is_member_pointer_v<Callable> || std::is_pointer_v<Callable>)
      return callable == nullptr;
    else if constexpr (
        !requires { +callable; } && requires { static_cast<bool>(callable == nullptr); })
      return static_cast<bool>(callable == nullptr);
    else
      return false;
  }
  template <class Signature>
  static bool is_empty(const Callback<Signature>& handler) noexcept {
    return !handler;
  }

  template <class Result>
  static constexpr bool returns_fit =
      std::is_void_v<Result>
          ? std::is_void_v<R> || std::is_same_v<R, Action>
          : !std::is_void_v<R> &&
                std::is_convertible_v<Result, std::conditional_t<std::is_void_v<R>, int, R>>;

  template <class Callable>
  static constexpr bool in_place =
      sizeof(Callable) <= room &&
      alignof(Callable) <= alignof(void*) && std::is_nothrow_move_constructible_v<Callable>;

  template <class Callable>
  static Callable& held(void* storage) noexcept {
    if constexpr (in_place<Callable>)
      return *std::launder(static_cast<Callable*>(storage));
    else
      return **static_cast<Callable**>(storage);
  }

  template <class Callable, class First>
  static R call(void* storage, Args... args) {
    All all(std::forward<Args>(args)...);
    if constexpr (!std::is_void_v<R> &&
                  std::is_void_v<decltype(invoke(held<Callable>(storage), all, First()))>) {
      invoke(held<Callable>(storage), all, First());
      return R{};
    } else {
      return invoke(held<Callable>(storage), all, First());
    }
  }
  static R do_nothing(void*, Args...) {
    if constexpr (std::is_void_v<R> || std::is_default_constructible_v<R>)
      return R();
    else
      throw std::bad_function_call();
  }

  // to == nullptr: destroy what `from` holds; otherwise move it to `to`.
  template <class Callable>
  static void manage(void* to, void* from) noexcept {
    if constexpr (in_place<Callable>) {
      if (to) new (to) Callable(std::move(held<Callable>(from)));
      held<Callable>(from).~Callable();
    } else if (to) {
      *static_cast<Callable**>(to) = *static_cast<Callable**>(from);
    } else {
      delete *static_cast<Callable**>(from);
    }
  }

  template <class Callable, class First, class F>
  void emplace(F&& callable) {
    if constexpr (in_place<Callable>)
      new (static_cast<void*>(storage_)) Callable(std::forward<F>(callable));
    else
      *reinterpret_cast<Callable**>(storage_) = new Callable(std::forward<F>(callable));
    call_ = &call<Callable, First>;
    manage_ = &manage<Callable>;
  }

  R (*call_)(void*, Args...) = &do_nothing;
  void (*manage_)(void*, void*) noexcept = nullptr;
  alignas(void*) mutable std::byte storage_[room];
};

}}  // namespace evio::v0
