#include "crowd.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace evio::test::soak {

Crowd::Crowd(std::vector<Address> addresses, std::uint64_t seed, Totals& totals)
    : addresses_(std::move(addresses)), random_(seed), totals_(totals) {}

void Crowd::run(Client::Clock::time_point deadline) {
  std::vector<pollfd> polled;
  for (auto now = Client::Clock::now(); now < deadline || !clients_.empty();
       now = Client::Clock::now()) {
    if (now < deadline) let_in();
    polled.clear();
    for (const Client& client : clients_) polled.push_back(client.wanted(now));
    ::poll(polled.data(), polled.size(), 5);
    for (std::size_t i = polled.size(); i-- > 0;) {
      if (clients_[i].go_on(polled[i].revents, now)) continue;
      count(clients_[i]);
      std::swap(clients_[i], clients_.back());
      clients_.pop_back();
    }
  }
}

// The number of connections varies in waves, from many to none.
void Crowd::let_in() {
  const std::size_t room = most - clients_.size();
  const std::size_t arrivals =
      between(random_, 0, 7) == 0 ? between(random_, 0, arrivals_max) : between(random_, 0, 4);
  for (std::size_t i = 0; i < std::min(room, arrivals); ++i)
    clients_.emplace_back(addresses_[between(random_, 0, addresses_.size() - 1)],
                          random_script(random_), random_);
}

void Crowd::count(const Client& client) {
  totals_.connections += 1;
  totals_.bytes += client.received();
  totals_.endings[static_cast<std::size_t>(client.script().ending)] += 1;
  if (client.problem().empty() || ++problems_ > 10) return;
  const Header& header = client.script().header;
  ADD_FAILURE() << client.problem() << ", after " << client.received() << " of "
                << client.script().expected().size() << " bytes in mode '"
                << static_cast<char>(header.mode) << "', bursts of " << client.script().burst
                << (client.script().slow ? ", slow" : "");
}

}  // namespace evio::test::soak
