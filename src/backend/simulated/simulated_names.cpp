#include "backend/simulated/simulated_names.hpp"

#include <evio/error.hpp>
#include <utility>

namespace evio { inline namespace v0 { namespace detail {

SimulatedNames::~SimulatedNames() { world_.leave(member_); }

void SimulatedNames::resolve(const Address& name, std::function<void(Resolved)> done) {
  questions_.emplace(++last_, ResolveHandle{name, std::move(done)});
  Duration time = std::chrono::microseconds(world_.chance.upto(2000));
  if (world_.happens(Fault::delay)) time += std::chrono::milliseconds(world_.chance.upto(5000));
  world_.schedule(member_, world_.now() + time, last_);
}

// Like most systems it returns the IPv6 address first.
void SimulatedNames::due(std::uint64_t number) {
  const ResolveHandle question = std::move(questions_.extract(number).mapped());
  const std::string port = ":" + std::to_string(question.name.port());
  Resolved found;
  if (question.name.host() != "localhost") {
    found.error = Errc::name_not_found;
  } else {
    using enum Address::Scheme;
    const Address::Scheme asked = question.name.scheme();
    const std::string scheme = question.name.is_udp() ? "udp" : "tcp";
    if (asked != tcp4 && asked != udp4)
      found.addresses.push_back(Address::parse(scheme + "://[::1]" + port));
    if (asked != tcp6 && asked != udp6)
      found.addresses.push_back(Address::parse(scheme + "://127.0.0.1" + port));
  }
  question.done(std::move(found));
}

}}}  // namespace evio::v0::detail
