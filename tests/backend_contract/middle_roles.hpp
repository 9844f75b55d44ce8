// What connections do in the random worlds.
#pragma once

#include "middle_world.hpp"

namespace evio::test {

using namespace detail;

/// Sends back what comes, taking as much as it likes when it likes, and pausing.
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

/// Sends much, as `write` and `drained` tell it; then closes, or ends its direction only.
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

/// Reads and writes a while, then has the socket handed over; goes on with that.
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

/// Sends by its handle only, as other threads do, and closes by it.
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

/// Aborts, at any time and in any call.
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

/// One of them, by chance.
std::unique_ptr<Role> any_role(World& world);

}  // namespace evio::test
