// A whole server on a simulated kernel, whose choices the fuzzer makes: peers receive what was
// sent, each opened connection closes, and no handler runs afterwards.
#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <map>
#include <string>
#include <vector>

#include "bytes.hpp"
#include "check.hpp"

namespace {

using namespace std::chrono_literals;

struct Sent {
  evio::sim::Peer* peer;
  std::string bytes{};
};

class World {
 public:
  explicit World(std::string_view script) : sim_(script) {
    sim_.serve(
        {.loops = 2,
         .limits = {.output_high = 5000, .output_low = 1000},
         .options = {.idle_timeout = 60s},
         .opened = [this](evio::Conn& c) { CHECK(++open_[c.id()] == 1); },
         .data =
             [this](evio::Conn& c, evio::Input& in) {
               CHECK(open_.contains(c.id()));
               c.write(in.take(1 + in.size() / 2));
               if (!in.empty()) c.handle().wake();
             },
         .ended =
             [](evio::Conn& c, evio::Input& in) {
               c.write(in.take());
               return evio::Action::close;
             },
         .closed = [this](evio::Conn& c, std::error_code) { CHECK(open_.erase(c.id()) == 1); }},
        "tcp://:1");
  }

  void act(evio::fuzz::Bytes& bytes) {
    const std::uint8_t what = bytes.byte();
    if (all_.empty() || (what % 8 == 0 && all_.size() < 8)) {
      all_.push_back({&sim_.connect("tcp://:1")});
      return;
    }
    Sent& one = all_[bytes.byte() % all_.size()];
    switch (what % 8) {
      case 1:
      case 2:
      case 3: {
        const std::string part(bytes.word() % 20'000, static_cast<char>('a' + all_.size()));
        if (one.peer->can_send()) one.bytes += part;
        one.peer->send(part);
        break;
      }
      case 4:
        one.peer->shutdown_write();
        break;
      case 5:
        one.peer->reset();
        break;
      case 6:
        bytes.byte() % 2 ? one.peer->stop_reading() : one.peer->start_reading();
        break;
      default:
        sim_.run_for(std::chrono::microseconds(bytes.word()) * 100);
    }
  }

  void end() {
    for (const Sent& one : all_) {
      one.peer->start_reading();
      one.peer->shutdown_write();
    }
    for (int i = 0; i < 10; ++i) sim_.run_for(1h);
    CHECK(open_.empty());
    for (const Sent& one : all_) CHECK(one.bytes.starts_with(one.peer->received()));
  }

 private:
  std::map<std::uint64_t, int> open_;
  std::vector<Sent> all_;
  evio::Simulation sim_;  // destroyed first
};

}  // namespace

// The first half controls the peers, the second half is the kernel's script.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  evio::fuzz::Bytes bytes(data, size / 2);
  World world(std::string_view(reinterpret_cast<const char*>(data) + size / 2, size - size / 2));
  while (!bytes.empty()) world.act(bytes);
  world.end();
  return 0;
}
