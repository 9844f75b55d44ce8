// The roles that connections play in the random worlds.
#pragma once

#include "middle_world.hpp"

namespace evio::test {

using namespace detail;

/// Echoes its input, consumes it in random parts, and pauses at random.
class Echo : public Role {
 public:
  using Role::Role;

 protected:
  Action data(Conn& c, Input& in) override;
  Action ended(Conn& c, Input& in) override;
  void outside() override;
  void check_whole() override;

 private:
  bool resume_outside_ = false;
};

/// Sends much, controlled by `write` and `drained`; then closes, or ends its direction only.
class Producer : public Role {
 public:
  explicit Producer(World& world);

 protected:
  Action opened(Conn& c) override { return produce(c); }
  Action drained(Conn& c) override { return produce(c); }
  Action data(Conn& c, Input& in) override;
  Action ended(Conn&, Input&) override { return Action::none; }
  void check_whole() override;

 private:
  Action produce(Conn& c);
  const std::string all_;
  const bool in_opened_;
};

/// Reads and writes for a while, then detaches, and continues with the socket.
class Detacher : public Role {
 public:
  explicit Detacher(World& world);

 protected:
  Action data(Conn& c, Input& in) override;
  Action ended(Conn& c, Input& in) override;
  void detached(Conn&, Socket socket) override;
  void outside() override;
  bool server_is_done() const override { return rest_.fd() < 0; }
  void check_whole() override;

 private:
  const std::size_t detach_after_;
  Peer rest_;
};

/// Sends and closes through its handle only, as other threads do.
class Sender : public Role {
 public:
  explicit Sender(World& world);

 protected:
  Action data(Conn& c, Input& in) override;
  Action ended(Conn&, Input&) override { return Action::none; }
  void outside() override;
  void check_whole() override;

 private:
  const std::string all_;
  bool closed_ = false;
};

/// Aborts at any time and in any call.
class Aborter : public Role {
 public:
  using Role::Role;

 protected:
  Action opened(Conn& c) override { return maybe(c); }
  Action data(Conn& c, Input& in) override;
  Action drained(Conn& c) override { return maybe(c); }
  Action ended(Conn& c, Input&) override;
  void outside() override;
  bool breaks() const override { return true; }
  void check_whole() override {}

 private:
  Action maybe(Conn& c);
};

/// Makes a random role.
std::unique_ptr<Role> any_role(World& world);

}  // namespace evio::test
