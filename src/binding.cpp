// Binding: parsing of an address with its options (`?reuseport`, `-net`) or of fd://N, and on().
#include <algorithm>
#include <charconv>
#include <evio/binding.hpp>
#include <evio/error.hpp>
#include <evio/events.hpp>
#include <string>
#include <utility>

#include "validate.hpp"

namespace evio { inline namespace v0 {

using namespace detail;

namespace {

[[noreturn]] void refuse(std::string_view url, const std::string& problem) {
  throw Error(std::make_error_code(std::errc::invalid_argument), url, problem);
}

bool read_flag(std::string_view url, std::string_view name, std::string_view value) {
  if (value == "true" || value == "1" || value == "yes") return true;
  if (value == "false" || value == "0" || value == "no") return false;
  refuse(url,
         "option " + std::string(name) + " is '" + std::string(value) + "', not true or false");
}

bool read_reuseport(std::string_view url, std::string_view query) {
  bool reuseport = false;
  while (!query.empty()) {
    const std::string_view option = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), option.size() + 1));
    const std::size_t equals = option.find('=');
    const std::string_view name = option.substr(0, equals);
    if (name != "reuseport")
      refuse(url, "unknown option '" + std::string(name) + "'; the only one is reuseport");
    reuseport = read_flag(url, name, equals == option.npos ? "" : option.substr(equals + 1));
  }
  return reuseport;
}

// Removes the `-net` from `scheme-net://...`. False if there is none.
bool take_suffix(std::string& address) {
  constexpr std::string_view suffix = "-net";
  const std::size_t scheme_end = address.find("://");
  if (scheme_end == address.npos || scheme_end < suffix.size()) return false;
  if (address.compare(scheme_end - suffix.size(), suffix.size(), suffix) != 0) return false;
  address.erase(scheme_end - suffix.size(), suffix.size());
  return true;
}

constexpr std::string_view descriptor_scheme = "fd://";

int read_descriptor(std::string_view url) {
  const std::string_view digits = url.substr(descriptor_scheme.size());
  int number = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < 0)
    refuse(url, "'" + std::string(digits) + "' is not a descriptor number");
  return number;
}

// Rejects fields that concern the whole server: for a single address they would have no effect, and
// the user would not notice.
void refuse_server_fields(std::string_view url, const Events& events) {
  const auto check = [&](bool set, const char* name) {
    if (set)
      refuse(url, std::string(name) +
                      " belongs to the server: set it in the Events given to serve, not to on()");
  };
  check(static_cast<bool>(events.serving), "serving");
  check(static_cast<bool>(events.tick), "tick");
  check(static_cast<bool>(events.pre_write), "pre_write");
  check(static_cast<bool>(events.failed), "failed");
  check(static_cast<bool>(events.loop_started), "loop_started");
  check(static_cast<bool>(events.loop_stopped), "loop_stopped");
  check(static_cast<bool>(events.trace), "trace");
  const Events defaults;
  check(events.loops != defaults.loops, "loops");
  check(events.backend != defaults.backend, "backend");
  check(events.busy_poll != defaults.busy_poll, "busy_poll");
  check(events.handle_signals, "handle_signals");
  check(events.balance.function() || events.balance.strategy() != defaults.balance.strategy(),
        "balance");
}

}  // namespace

Binding::Binding(std::string_view url) {
  if (url.starts_with(descriptor_scheme)) {
    // A descriptor that no server took over still belongs to the user, so it stays open.
    const auto leave_open = [](Socket* named) {
      named->release();
      delete named;
    };
    socket_ = std::shared_ptr<Socket>(new Socket(read_descriptor(url)), leave_open);
    return;
  }
  const std::size_t question = url.find('?');
  std::string address(url.substr(0, question));
  if (question != url.npos) reuseport_ = read_reuseport(url, url.substr(question + 1));
  portable_ = take_suffix(address);
  try {
    address_ = Address::parse(address);
  } catch (const Error& error) {
    throw Error(error.code(), url, error.problem());  // with the address as the user wrote it
  }
  if (reuseport_ && address_.is_unix())
    refuse(url, "reuseport is for tcp and udp: a unix socket has one owner");
}

Binding::Binding(Socket socket) : socket_(std::make_shared<Socket>(std::move(socket))) {}

Binding on(Binding address, Events&& events) {
  refuse_server_fields(address.address().to_string(), events);
  address.service_ = std::make_shared<const Events>(validated(std::move(events)));
  return address;
}

}}  // namespace evio::v0
