#include "connector.hpp"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

#include "loop.hpp"
#include "server.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

constexpr Duration attempt_delay = std::chrono::milliseconds(250);

// The answer of a name resolution, sent to the loop. It finds its connection by its ids, as that
// may have closed meanwhile.
struct Answer final : Task {
  Answer(StreamId to, std::uint64_t number, Resolved what)
      : stream(to), id(number), found(std::move(what)) {}
  void run_on(LoopCore& loop) override {
    if (Connection* connection = loop.find(stream, id)) connection->resolved(found);
  }

  const StreamId stream;
  const std::uint64_t id;
  const Resolved found;
};

// Alternates between the address families, beginning with that of the first address. The result is
// in reverse order.
std::vector<Address> by_turns(const std::vector<Address>& all) {
  std::vector<Address> of_first, of_other, mixed;
  for (const Address& address : all)
    (address.is_ip4() == all.front().is_ip4() ? of_first : of_other).push_back(address);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i < of_first.size()) mixed.push_back(of_first[i]);
    if (i < of_other.size()) mixed.push_back(of_other[i]);
  }
  std::reverse(mixed.begin(), mixed.end());
  return mixed;
}

}  // namespace

Connector::Connector(LoopCore& loop, Connection& connection, const Address& to,
                     const Options& options)
    : loop_(loop), connection_(connection), to_(to), options_(options) {}

Connector::~Connector() {
  next_.cancel();
  for (const Attempt& attempt : attempts_) {
    loop_.driver().cancel(attempt.id);
    loop_.forget_connect(attempt.id);
  }
}

// An IP address or a path needs no name resolution. The answer of one arrives as a task, since the
// resolver calls `done` on another thread.
void Connector::start() {
  if (to_.is_unix() || to_.has_ip()) {
    untried_.push_back(to_);
    return try_next();
  }
  question_ =
      loop_.server().platform().resolve(to_, [tasks = loop_.tasks(), stream = connection_.stream(),
                                              id = connection_.id()](Resolved found) {
        try {
          tasks->push(std::make_unique<Answer>(stream, id, std::move(found)));
        } catch (const std::bad_alloc&) {  // without an answer, connect_timeout ends the connection
        }
      });
}

void Connector::resolved(const Resolved& found) {
  question_.reset();
  if (found.addresses.empty()) {
    const std::error_code error = found.error ? found.error : Errc::name_not_found;
    loop_.trace(Trace::What::lookup_failed, [&](Trace& trace) {
      trace.connection = connection_.id();
      trace.peer = to_;
      trace.error = error;
    });
    return connection_.connect_failed(error);
  }
  untried_ = by_turns(found.addresses);
  try_next();
}

// Begins the next attempt, without ending the previous ones: these may still succeed.
void Connector::try_next() {
  next_.cancel();
  const Address to = std::move(untried_.back());
  untried_.pop_back();
  attempts_.push_back({.id = loop_.register_connect(*this), .to = to});
  loop_.driver().connect(attempts_.back().id, to, options_);
  if (!untried_.empty())
    next_ = loop_.timers().run_after(attempt_delay, Callback<void()>([this] { try_next(); }));
}

void Connector::forget(ConnectId id) noexcept {
  std::erase_if(attempts_, [id](const Attempt& attempt) { return attempt.id == id; });
  loop_.forget_connect(id);
}

void Connector::connected(ConnectId id, NativeSocket socket) {
  const auto won = std::find_if(attempts_.begin(), attempts_.end(),
                                [id](const Attempt& a) { return a.id == id; });
  const Address peer = won->to;
  forget(id);
  connection_.connected(socket, peer);
}

// The backlog of a unix socket is full. For TCP the kernel would retry silently, for unix sockets
// it reports an error. So this retries until connect_timeout.
void Connector::try_again(const Address& to) {
  constexpr Duration longest_retry = std::chrono::milliseconds(100);
  untried_.push_back(to);
  next_ = loop_.timers().run_after(retry_delay_, Callback<void()>([this] { try_next(); }));
  retry_delay_ = std::min(retry_delay_ * 2, longest_retry);
}

// The first error is reported if all attempts fail, since the first address is the preferred one.
void Connector::failed(ConnectId id, std::error_code error) {
  forget(id);
  if (to_.is_unix() && error == std::errc::resource_unavailable_try_again) return try_again(to_);
  if (!error_) error_ = error;
  if (!untried_.empty()) return try_next();
  if (attempts_.empty()) connection_.connect_failed(error_);
}

}}}  // namespace evio::v0::detail
