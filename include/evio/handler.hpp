// Public. The callable type of every handler, post and timer.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace evio::inline v1 {

enum class Action;

template <class Signature>
class Handler;

/// An owning, move-only callable: one indirect call, 32 bytes of room in place (larger callables live on the heap).
/// It takes any callable with the parameters `Args...`, or with none at all, that returns `R`; where `R` is Action it
/// may also return void, which means Action::none. Move-only captures are welcome. An empty Handler is false and must
/// not be called. Belongs to one thread at a time, but for the handlers of Events, which all loops share.
template <class R, class... Args>
class Handler<R(Args...)> {
 public:
  Handler() noexcept = default;

  // Deliberately not constrained: a callable that does not fit is told so by a static_assert that a person can read.
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Handler>)
      Handler(F&& callable) {  // NOLINT(google-explicit-constructor): handlers are written as plain lambdas
    using Callable = std::decay_t<F>;
    constexpr bool with_args = std::is_invocable_v<Callable&, Args...>;
    constexpr bool without_args = !with_args && std::is_invocable_v<Callable&>;
    static_assert(with_args || without_args,
                  "evio: this handler takes neither the handler's parameters (see evio/events.hpp) nor none");
    if constexpr (with_args) {
      static_assert(returns_fit<std::invoke_result_t<Callable&, Args...>>,
                    "evio: this handler returns the wrong type: see its signature; where it is Action, void will do");
      emplace<Callable, true>(std::forward<F>(callable));
    } else if constexpr (without_args) {
      static_assert(returns_fit<std::invoke_result_t<Callable&>>,
                    "evio: this handler returns the wrong type: see its signature; where it is Action, void will do");
      emplace<Callable, false>(std::forward<F>(callable));
    }
  }

  Handler(Handler&& other) noexcept : call_(other.call_), manage_(other.manage_) {
    if (manage_) manage_(storage_, other.storage_);
    other.call_ = nullptr;
    other.manage_ = nullptr;
  }
  Handler& operator=(Handler&& other) noexcept {
    if (this != &other) {
      this->~Handler();
      new (this) Handler(std::move(other));
    }
    return *this;
  }
  ~Handler() {
    if (manage_) manage_(nullptr, storage_);
  }

  explicit operator bool() const noexcept { return call_ != nullptr; }

  /// Calls it. const, because one handler object serves all loops: with several, its captures are shared by threads.
  R operator()(Args... args) const { return call_(storage_, std::forward<Args>(args)...); }

 private:
  static constexpr std::size_t room = 4 * sizeof(void*);

  template <class Result>
  static constexpr bool returns_fit =
      std::is_void_v<Result>
          ? std::is_void_v<R> || std::is_same_v<R, Action>
          : !std::is_void_v<R> && std::is_convertible_v<Result, std::conditional_t<std::is_void_v<R>, int, R>>;

  template <class Callable>
  static constexpr bool in_place =
      sizeof(Callable) <= room && alignof(Callable) <= alignof(void*) && std::is_nothrow_move_constructible_v<Callable>;

  template <class Callable>
  static Callable& held(void* storage) noexcept {
    if constexpr (in_place<Callable>)
      return *std::launder(static_cast<Callable*>(storage));
    else
      return **static_cast<Callable**>(storage);
  }

  template <class Callable, bool WithArgs>
  static R call(void* storage, Args... args) {
    auto run = [&]() -> decltype(auto) {
      if constexpr (WithArgs)
        return held<Callable>(storage)(std::forward<Args>(args)...);
      else
        return held<Callable>(storage)();
    };
    if constexpr (!std::is_void_v<R> && std::is_void_v<decltype(run())>) {
      run();
      return R{};
    } else {
      return run();
    }
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

  template <class Callable, bool WithArgs, class F>
  void emplace(F&& callable) {
    if constexpr (in_place<Callable>)
      new (static_cast<void*>(storage_)) Callable(std::forward<F>(callable));
    else
      *reinterpret_cast<Callable**>(storage_) = new Callable(std::forward<F>(callable));
    call_ = &call<Callable, WithArgs>;
    manage_ = &manage<Callable>;
  }

  R (*call_)(void*, Args...) = nullptr;
  void (*manage_)(void*, void*) noexcept = nullptr;
  alignas(void*) mutable std::byte storage_[room];
};

}  // namespace evio::inline v1
