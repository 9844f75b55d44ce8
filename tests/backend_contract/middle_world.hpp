// A server on the asynchronous double and its peers, on one thread: a seed determines which moves
// next, how far, and what fails.
#pragma once

#include <evio/evio.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "asynchronous_driver.hpp"
#include "sockets.hpp"
#include "support/bytes.hpp"

namespace evio::test {

using namespace detail;

class World;

/// A connection: what its handlers do, what its peer does, and the state that both must reach. A
/// test derives from it. In any case it checks that `opened` is called first, `closed` or
/// `detached` last, each once, and nothing afterwards.
class Role {
 public:
  explicit Role(World& world);
  Role(const Role&) = delete;
  virtual ~Role() = default;

  // The server's side, called by World.
  Action on_opened(Conn& c);
  Action on_data(Conn& c, Input& in);
  Action on_drained(Conn& c);
  Action on_ended(Conn& c, Input& in);
  void on_closed(Conn& c, std::error_code error);
  void on_detached(Conn& c, Socket socket);

  // The peer's side.
  void step();
  bool finished() const;
  /// Checks the result at the end.
  void check();

 protected:
  virtual Action opened(Conn&) { return Action::none; }
  virtual Action data(Conn& c, Input& in) = 0;
  virtual Action drained(Conn&) { return Action::none; }
  virtual Action ended(Conn& c, Input& in) = 0;
  virtual void detached(Conn&, Socket) {}
  /// Called repeatedly between the loops' iterations; acts as another thread would.
  virtual void outside() {}
  /// The remaining checks of a connection that was not broken.
  virtual void check_whole() = 0;
  /// False while a detached socket is in use.
  virtual bool server_is_done() const { return true; }
  /// Whether the role itself breaks the connection: then not all bytes need arrive.
  virtual bool breaks() const { return false; }

  /// Writes copied, borrowed and shared bytes, and in pieces, and records them; false: stop
  /// producing.
  bool write(Conn& c, std::string_view bytes);

  World& world;
  Peer peer;
  const std::string from_peer;  // all that the peer sends
  std::string from_server;      // all that was written so far
  std::string taken;            // all that the handlers consumed
  Handle handle;
  bool writes_in_handlers =
      true;  // then the role knows of congestion, and `drained` may be called only after it

 private:
  enum class State { none, open, ended, gone };

  void check_alive(Conn& c, bool readable);
  std::uint16_t peer_port_ = 0;
  std::size_t peer_sent_ = 0;
  bool peer_ended_ = false;
  bool peer_reset_ = false;
  State state_ = State::none;
  std::error_code error_;
  bool congested_ = false;
  std::uint64_t id_ = 0;
  friend class World;
};

/// The first of a test's seeds: 1, or EVIO_SEED's, to look further.
std::uint64_t first_seed();

class World {
 public:
  struct Setup {
    int loops = 1;
    Faults faults{};
    double peer_resets = 0;  // in how many connections the peer breaks off
    int buffer = 0;          // of the kernel, bytes
    Limits limits{.output_high = 40'000, .output_low = 10'000};
    Options options{};
  };
  World(std::uint64_t seed, Setup setup);

  /// Serves `count` connections, some at a time, each as `make` says; then checks them all.
  void run(int count, const std::function<std::unique_ptr<Role>(World&)>& make);

  Chance chance;
  /// Whether nothing but an orderly end may be seen.
  bool flawless() const { return setup_.faults.reset == 0 && setup_.peer_resets == 0; }
  const Setup& setup() const { return setup_; }

 private:
  Events events();
  void between_turns();
  void begin_one();
  Role& role(Conn& c);

  const Setup setup_;
  std::unique_ptr<Server> server_;
  std::function<std::unique_ptr<Role>(World&)> make_;
  int left_ = 0;
  std::vector<std::unique_ptr<Role>> roles_;
  std::vector<Role*> active_;
  Duration give_up_at_{};
  bool stopped_ = false;
};

}  // namespace evio::test
