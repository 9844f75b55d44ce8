// A Redis server for strings. Its replies are those of Redis 7.0, byte for byte, except for those
// that depend on the machine or on time (INFO, ids), the tables of COMMAND, HELP, and the order of
// several keys or parameters. It runs one loop, so it needs no lock.
//
// redis/request.hpp parses requests, redis/store.hpp stores the keys, redis/client.hpp executes the
// commands of one client in order, redis/admin.hpp has the commands about the server; the rest is
// here.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <evio/evio.hpp>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis/admin.hpp"
#include "redis/client.hpp"

using redis::Client;
using redis::Command;
using redis::integer;
using redis::is;
using redis::Store;
using redis::Words;
using std::string_view;

namespace {

// ---- Strings

void get_value(Client& client, string_view key) {
  if (const auto* item = client.shared.store.find(key))
    client.reply.bulk(item->second.value);
  else
    client.reply.null();
}

void get(Client& client, const Words& words) { get_value(client, words[1]); }

struct SetOptions {
  bool nx = false, xx = false, get = false, keep_ttl = false;
  string_view unit, expiry;

  bool parse(const Words& words) {
    for (std::size_t i = 3; i < words.size(); ++i) {
      const std::string option = redis::lower(words[i].substr(0, 8));
      const bool time = option == "ex" || option == "px" || option == "exat" || option == "pxat";
      if (option == "nx" && !xx) {
        nx = true;
      } else if (option == "xx" && !nx) {
        xx = true;
      } else if (option == "get") {
        get = true;
      } else if (option == "keepttl" && unit.empty()) {
        keep_ttl = true;
      } else if (time && !keep_ttl && (unit.empty() || is(words[i], redis::lower(unit))) &&
                 i + 1 < words.size()) {
        unit = words[i];
        expiry = words[++i];
      } else {
        return false;
      }
    }
    return true;
  }

  // The time at which the key is to expire, possibly never; empty if it is invalid, after an error
  // reply.
  std::optional<std::int64_t> deadline(Client& client) const {
    if (unit.empty()) return Store::never;
    const auto time = integer(client, expiry);
    if (!time) return {};
    const std::int64_t scale = unit[0] == 'e' || unit[0] == 'E' ? 1000 : 1;
    const std::int64_t start = unit.size() == 2 ? redis::now_ms() : 0;
    if (*time > 0 && *time <= INT64_MAX / scale && *time * scale <= INT64_MAX - start)
      return *time * scale + start;
    client.reply.error("invalid expire time in 'set' command");
    return {};
  }
};

void set(Client& client, const Words& words) {
  SetOptions options;
  if (!options.parse(words)) return client.reply.error("syntax error");
  const auto deadline = options.deadline(client);
  if (!deadline) return;
  Store& store = client.shared.store;
  if (options.get) get_value(client, words[1]);
  if ((options.nx || options.xx) && options.nx == (store.find(words[1]) != nullptr)) {
    if (!options.get) client.reply.null();
    return;
  }
  Store::Item& item = store.find_or_add(words[1]);
  item.second.value.set(words[2]);
  if (!options.keep_ttl) store.set_expiry(item, *deadline);
  if (!options.get) client.reply.ok();
}

void mset(Client& client, const Words& words) {
  if (words.size() % 2 == 0)
    return client.reply.error("wrong number of arguments for 'mset' command");
  for (std::size_t i = 1; i < words.size(); i += 2) {
    Store::Item& item = client.shared.store.find_or_add(words[i]);
    item.second.value.set(words[i + 1]);
    client.shared.store.set_expiry(item, Store::never);
  }
  client.reply.ok();
}

void mget(Client& client, const Words& words) {
  client.reply.array(words.size() - 1);
  for (std::size_t i = 1; i < words.size(); ++i) get_value(client, words[i]);
}

void add(Client& client, string_view key, std::int64_t amount) {
  Store::Item* item = client.shared.store.find(key);
  auto value = item ? integer(client, item->second.value.view()) : 0;
  if (!value) return;
  if (amount < 0 ? *value < INT64_MIN - amount : *value > INT64_MAX - amount)
    return client.reply.error("increment or decrement would overflow");
  *value += amount;
  if (!item) item = &client.shared.store.find_or_add(key);
  item->second.value.set(std::to_string(*value));
  client.reply.integer(*value);
}

void incr(Client& client, const Words& words) { add(client, words[1], 1); }
void decr(Client& client, const Words& words) { add(client, words[1], -1); }
void incrby(Client& client, const Words& words) {
  if (const auto amount = integer(client, words[2])) add(client, words[1], *amount);
}
void decrby(Client& client, const Words& words) {
  const auto amount = integer(client, words[2]);
  if (!amount) return;
  if (*amount == INT64_MIN) return client.reply.error("decrement would overflow");
  add(client, words[1], -*amount);
}

// ---- Keys

void del(Client& client, const Words& words) {
  std::int64_t count = 0;
  for (std::size_t i = 1; i < words.size(); ++i) {
    auto* item = client.shared.store.find(words[i]);
    if (!item) continue;
    client.shared.store.erase(*item);
    ++count;
  }
  client.reply.integer(count);
}

void exists(Client& client, const Words& words) {
  std::int64_t count = 0;
  for (std::size_t i = 1; i < words.size(); ++i)
    count += client.shared.store.find(words[i]) != nullptr;
  client.reply.integer(count);
}

void type(Client& client, const Words& words) {
  client.reply.status(client.shared.store.find(words[1]) ? "string" : "none");
}

void keys(Client& client, const Words& words) { client.search(std::string(words[1])); }

void dbsize(Client& client, const Words&) {
  client.reply.integer(static_cast<std::int64_t>(client.shared.store.size()));
}

void flush(Client& client, const Words& words) {
  if (words.size() > 2 || (words.size() == 2 && !is(words[1], "sync") && !is(words[1], "async")))
    return client.reply.error("syntax error");
  client.shared.store.clear();
  client.reply.ok();
}

void expire(Client& client, const Words& words) {
  bool nx = false, xx = false, gt = false, lt = false;
  for (std::size_t i = 3; i < words.size(); ++i) {
    bool* option = is(words[i], "nx")   ? &nx
                   : is(words[i], "xx") ? &xx
                   : is(words[i], "gt") ? &gt
                   : is(words[i], "lt") ? &lt
                                        : nullptr;
    if (!option)
      return client.reply.error("Unsupported option " + std::string(redis::quoted(words[i])));
    *option = true;
  }
  if (nx && (xx || gt || lt))
    return client.reply.error("NX and XX, GT or LT options at the same time are not compatible");
  if (gt && lt) return client.reply.error("GT and LT options at the same time are not compatible");
  const auto seconds = integer(client, words[2]);
  if (!seconds) return;
  const std::int64_t now = redis::now_ms();
  if (*seconds > (INT64_MAX - now) / 1000 || *seconds < INT64_MIN / 1000)
    return client.reply.error("invalid expire time in 'expire' command");
  const std::int64_t when = *seconds * 1000 + now;

  auto* item = client.shared.store.find(words[1]);
  if (!item) return client.reply.integer(0);
  const std::int64_t old = item->second.expires;
  if ((nx && old != Store::never) || (xx && old == Store::never) ||
      (gt && (old == Store::never || when <= old)) || (lt && old != Store::never && when >= old))
    return client.reply.integer(0);
  if (when <= now)
    client.shared.store.erase(*item);
  else
    client.shared.store.set_expiry(*item, when);
  client.reply.integer(1);
}

void ttl(Client& client, const Words& words) {
  const auto* item = client.shared.store.find(words[1]);
  if (!item || item->second.expires == Store::never) return client.reply.integer(item ? -1 : -2);
  client.reply.integer((std::max<std::int64_t>(item->second.expires - redis::now_ms(), 0) + 500) /
                       1000);
}

// ---- The connection

void ping(Client& client, const Words& words) {
  if (words.size() == 1)
    client.reply.status("PONG");
  else if (words.size() == 2)
    client.reply.bulk(words[1]);
  else
    client.reply.error("wrong number of arguments for 'ping' command");
}

void echo(Client& client, const Words& words) { client.reply.bulk(words[1]); }

void select(Client& client, const Words& words) {
  const auto index = integer(client, words[1]);
  if (!index) return;
  if (*index < INT32_MIN || *index > INT32_MAX)
    client.reply.error("value is out of range, value must between -2147483648 and 2147483647");
  else if (*index != 0)
    client.reply.error("DB index is out of range");
  else
    client.reply.ok();
}

void quit(Client& client, const Words&) {
  client.reply.ok();
  client.end(evio::Action::close);
}

void shutdown(Client& client, const Words& words) {
  bool save = false, nosave = false, now = false, abort = false;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (is(words[i], "save"))
      save = true;
    else if (is(words[i], "nosave"))
      nosave = true;
    else if (is(words[i], "now") || is(words[i], "force"))
      now = true;
    else if (is(words[i], "abort"))
      abort = true;
    else
      return client.reply.error("syntax error");
  }
  if ((save && nosave) || (abort && (save || nosave || now)))
    return client.reply.error("syntax error");
  if (abort) return client.reply.error("No shutdown in progress.");
  client.end(evio::Action::shutdown);
}

void hello(Client& client, const Words& words) {
  if (words.size() > 1) {
    const auto protocol =
        integer(client, words[1], "Protocol version is not an integer or out of range");
    if (!protocol) return;
    if (*protocol != 2) return client.reply.error("-NOPROTO unsupported protocol version");
  }
  for (std::size_t i = 2; i < words.size(); ++i) {
    const std::size_t more = words.size() - 1 - i;
    if (is(words[i], "auth") && more >= 2) {
      if (words[i + 1] != "default")
        return client.reply.error("-WRONGPASS invalid username-password pair or user is disabled.");
      i += 2;
    } else if (is(words[i], "setname") && more >= 1) {
      if (!redis::set_name(client, words[++i])) return;
    } else {
      return client.reply.error("Syntax error in HELLO option '" +
                                std::string(redis::quoted(words[i])) + "'");
    }
  }
  redis::Reply& reply = client.reply;
  reply.array(14);
  for (string_view text :
       {string_view("server"), string_view("redis"), string_view("version"), redis::version})
    reply.bulk(text);
  reply.bulk("proto");
  reply.integer(2);
  reply.bulk("id");
  reply.integer(static_cast<std::int64_t>(client.conn.id()));
  for (string_view text : {"mode", "standalone", "role", "master", "modules"}) reply.bulk(text);
  reply.array(0);
}

void multi(Client& client, const Words&) {
  if (client.in_transaction()) return client.reply.error("MULTI calls can not be nested");
  client.begin_transaction();
  client.reply.ok();
}

void exec(Client& client, const Words&) {
  if (!client.in_transaction()) return client.reply.error("EXEC without MULTI");
  client.end_transaction(true);
}

void discard(Client& client, const Words&) {
  if (!client.in_transaction()) return client.reply.error("DISCARD without MULTI");
  client.end_transaction(false);
}

constexpr Command table[] = {
    {"client", -2, redis::help},
    {"client|getname", 2, redis::client_getname},
    {"client|help", 2, redis::help},
    {"client|id", 2, redis::client_id},
    {"client|info", 2, redis::client_info},
    {"client|kill", -3, redis::client_kill},
    {"client|list", -2, redis::client_list},
    {"client|no-evict", 3, redis::client_no_evict},
    {"client|reply", 3, redis::client_reply},
    {"client|setname", 3, redis::client_setname},
    {"command", -1, redis::command},
    {"command|count", 2, redis::command_count},
    {"command|docs", -2, redis::command_docs},
    {"command|help", 2, redis::help},
    {"command|info", -2, redis::command_info},
    {"command|list", -2, redis::command_list},
    {"config", -2, redis::help},
    {"config|get", -3, redis::config_get},
    {"config|help", 2, redis::help},
    {"dbsize", 1, dbsize},
    {"decr", 2, decr, 1, 1, 1},
    {"decrby", 3, decrby, 1, 1, 1},
    {"del", -2, del, 1, -1, 1},
    {"discard", 1, discard, 0, 0, 0, Command::at_once},
    {"echo", 2, echo},
    {"exec", 1, exec, 0, 0, 0, Command::at_once},
    {"exists", -2, exists, 1, -1, 1},
    {"expire", -3, expire, 1, 1, 1},
    {"flushall", -1, flush},
    {"flushdb", -1, flush},
    {"get", 2, get, 1, 1, 1},
    {"hello", -1, hello},
    {"incr", 2, incr, 1, 1, 1},
    {"incrby", 3, incrby, 1, 1, 1},
    {"info", -1, redis::info},
    {"keys", 2, keys},
    {"mget", -2, mget, 1, -1, 1},
    {"mset", -3, mset, 1, -1, 2},
    {"multi", 1, multi, 0, 0, 0, Command::at_once},
    {"ping", -1, ping},
    {"quit", -1, quit, 0, 0, 0, Command::at_once},
    {"select", 2, select},
    {"set", -3, set, 1, 1, 1},
    {"shutdown", -1, shutdown, 0, 0, 0, Command::refused},
    {"ttl", 2, ttl, 1, 1, 1},
    {"type", 2, type, 1, 1, 1},
};

// ---- The server

/// Removes expired keys, even if no command accesses them; sleeps while none is about to expire.
class Expiry {
 public:
  explicit Expiry(Store& store) : store_(store) {}

  /// To be called after each change.
  void arm(evio::Loop& loop) {
    const std::int64_t first = store_.first_deadline();
    if (first == Store::never || (due_ != Store::never && due_ <= first)) return;
    timer_.cancel();
    due_ = first;
    const std::int64_t delay =
        std::clamp<std::int64_t>(first - redis::now_ms() + 1, 1, longest_sleep_ms);
    timer_ = loop.run_after(std::chrono::milliseconds(delay), [this, &loop] {
      due_ = Store::never;
      store_.expire(count_max);
      arm(loop);
    });
  }

 private:
  static constexpr std::int64_t longest_sleep_ms = 60'000;
  static constexpr int count_max = 1000;  // per run

  Store& store_;
  evio::Timer timer_;
  std::int64_t due_ = Store::never;
};

struct Settings {
  int port = 6379;
  std::string host;
  std::string unix_path;
  std::string backend = "automatic";
};

const std::map<std::string, evio::Backend> backends{{"automatic", evio::Backend::automatic},
                                                    {"io_uring", evio::Backend::io_uring},
                                                    {"epoll", evio::Backend::epoll},
                                                    {"poll", evio::Backend::poll}};

// Limits as large as Redis's: a value has at most 512 MiB, and output is bounded by what the store
// holds, because no further command is executed while much output is pending.
constexpr evio::Limits limits{.input_max = 1 << 30,
                              .output_max = std::numeric_limits<std::size_t>::max()};

evio::Events server(const Settings& settings, redis::Shared& shared, Expiry& expiry) {
  return {.backend = backends.at(settings.backend),
          .limits = limits,
          .options = {.keep_alive = std::chrono::seconds(300)},
          .handle_signals = true,
          .serving =
              [](evio::Server& bound) {
                for (const evio::Address& address : bound.addresses())
                  std::printf("redis server on %s\n", address.to_string().c_str());
              },
          .opened = [&shared](evio::Conn& conn) { conn.emplace_context<Client>(shared, conn); },
          .data =
              [&expiry](evio::Conn& conn, evio::Input& in) {
                const evio::Action action = conn.context<Client>()->data(in);
                expiry.arm(conn.loop());
                return action;
              },
          .failed =
              [] {
                return evio::Action::none;
              }};  // for example no memory: that connection closes, the others continue
}

}  // namespace

std::span<const Command> redis::commands() { return table; }

const Command* redis::find_command(string_view name) {
  // The table is sorted: commands with the same first letter are neighbours.
  static const auto by_letter = [] {
    std::array<std::span<const Command>, 26> all;
    for (const Command& command : table) {
      auto& same = all[static_cast<std::size_t>(command.name[0] - 'a')];
      same = {same.empty() ? &command : same.data(), &command + 1};
    }
    return all;
  }();
  const char letter = static_cast<char>(name.empty() ? 0 : name[0] | ('a' - 'A'));
  if (letter < 'a' || letter > 'z') return nullptr;
  for (const Command& command : by_letter[static_cast<std::size_t>(letter - 'a')])
    if (redis::is(name, command.name)) return &command;
  return nullptr;
}

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Redis server for strings");
  app.add_option("--port", settings.port, "Port to listen on; 0: any free one")
      ->check(CLI::Range(0, 65535));
  app.add_option("--bind", settings.host,
                 "Interface to listen on, such as 127.0.0.1 or localhost; else all");
  app.add_option("--unix", settings.unix_path, "Path of a unix socket to listen on as well");
  app.add_option("--backend", settings.backend, "Interface of the kernel to use")
      ->check(CLI::IsMember(backends));
  app.get_formatter()->column_width(24);
  CLI11_PARSE(app, argc, argv);

  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // writes whole lines, also into a pipe
  redis::Shared shared;
  Expiry expiry(shared.store);
  try {
    std::vector<evio::Binding> bindings{"tcp://" + settings.host + ":" +
                                        std::to_string(settings.port)};
    if (!settings.unix_path.empty()) bindings.emplace_back("unix://" + settings.unix_path);
    evio::serve(server(settings, shared, expiry), bindings);
  } catch (const evio::Error& error) {
    std::fprintf(stderr, "redis-server: %s\n", error.what());
    return 1;
  }
}
