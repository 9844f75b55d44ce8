// The commands about the server and its clients: INFO, CONFIG, COMMAND, CLIENT.
#pragma once

#include <algorithm>
#include <cstdint>
#include <evio/evio.hpp>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client.hpp"

namespace redis {

inline constexpr std::string_view version = "7.0.15";

/// "X HELP": the names of the subcommands.
inline void help(Client& client, const Words& words) {
  const std::string prefix = lower(words[0]) + '|';
  std::vector<std::string_view> names;
  for (const Command& command : commands())
    if (command.name.starts_with(prefix)) names.push_back(command.name.substr(prefix.size()));
  client.reply.array(names.size() + 1);
  client.reply.status(upper(words[0]) +
                      " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (std::string_view name : names) client.reply.status(upper(name));
}

// ---- INFO and CONFIG

inline void info(Client& client, const Words& words) {
  const auto line = [](const char* name, std::uint64_t value) {
    return std::string(name) + ':' + std::to_string(value) + "\r\n";
  };
  const evio::Stats stats = client.conn.server().stats();
  const Store& store = client.shared.store;
  const std::string keys = "db0:keys=" + std::to_string(store.size()) +
                           ",expires=" + std::to_string(store.mortals()) + ",avg_ttl=0\r\n";
  const std::pair<std::string, std::string> sections[] = {
      {"Server", "redis_version:" + std::string(version) + "\r\nredis_mode:standalone\r\n"},
      {"Clients", line("connected_clients", stats.open)},
      {"Persistence", line("loading", 0)},
      {"Stats", line("total_connections_received", stats.accepted) +
                    line("total_commands_processed", client.shared.commands) +
                    line("total_net_input_bytes", stats.received) +
                    line("total_net_output_bytes", stats.sent)},
      {"Replication", "role:master\r\n" + line("connected_slaves", 0)},
      {"Cluster", line("cluster_enabled", 0)},
      {"Keyspace", store.size() > 0 ? keys : ""},
  };
  std::string text;
  for (const auto& [name, lines] : sections) {
    bool wanted = words.size() == 1;
    for (std::size_t i = 1; i < words.size(); ++i)
      wanted |= is(words[i], lower(name)) || is(words[i], "all") || is(words[i], "default") ||
                is(words[i], "everything");
    if (wanted) text += (text.empty() ? "# " : "\r\n# ") + name + "\r\n" + lines;
  }
  client.reply.bulk(text);
}

/// CONFIG GET: the parameters that clients and tools ask for; they cannot be changed.
inline void config_get(Client& client, const Words& words) {
  static const std::map<std::string_view, std::string_view> parameters{
      {"appendonly", "no"},
      {"client-query-buffer-limit", "1073741824"},
      {"cluster-enabled", "no"},
      {"databases", "1"},
      {"maxmemory", "0"},
      {"maxmemory-policy", "noeviction"},
      {"notify-keyspace-events", ""},
      {"proto-max-bulk-len", "536870912"},
      {"requirepass", ""},
      {"save", ""},
      {"tcp-keepalive", "300"},
      {"timeout", "0"}};
  std::map<std::string_view, std::string_view> found;  // keyed by the name as it was requested
  for (std::size_t i = 2; i < words.size(); ++i) {
    const bool pattern = quoted(words[i]).find_first_of("[*?") != std::string_view::npos;
    for (const auto& [name, value] : parameters) {
      auto steps = std::numeric_limits<std::size_t>::max();
      if (pattern ? Glob(lower(words[i])).match(name, steps).value_or(false) : is(words[i], name))
        found.emplace(name, pattern ? name : words[i]);
    }
  }
  client.reply.array(2 * found.size());
  for (const auto& [name, asked] : found) {
    client.reply.bulk(asked);
    client.reply.bulk(parameters.at(name));
  }
}

// ---- COMMAND

inline void describe(Reply& reply, const Command& command) {
  reply.array(10);
  reply.bulk(command.name);
  reply.integer(command.arity);
  reply.array(0);  // flags
  for (int number : {command.key_first, command.key_last, command.key_step}) reply.integer(number);
  for (int none = 0; none < 4; ++none)
    reply.array(0);  // categories, tips, key specifications, subcommands
}

inline void command(Client& client, const Words&) {
  client.reply.array(commands().size());
  for (const Command& one : commands()) describe(client.reply, one);
}

inline void command_info(Client& client, const Words& words) {
  if (words.size() == 2) return command(client, words);
  client.reply.array(words.size() - 2);
  for (std::size_t i = 2; i < words.size(); ++i) {
    if (const Command* one = find_command(words[i]))
      describe(client.reply, *one);
    else
      client.reply.null();
  }
}

inline void command_count(Client& client, const Words&) {
  client.reply.integer(static_cast<std::int64_t>(commands().size()));
}

inline void command_list(Client& client, const Words& words) {
  if (words.size() > 2) return client.reply.error("syntax error");
  client.reply.array(commands().size());
  for (const Command& one : commands()) client.reply.bulk(one.name);
}

inline void command_docs(Client& client, const Words&) { client.reply.array(0); }

// ---- CLIENT

inline std::string endpoint(const evio::Address& address) {
  const std::string host = address.host();
  return (host.find(':') == host.npos ? host : '[' + host + ']') + ':' +
         std::to_string(address.port());
}

inline evio::Address peer(evio::Conn& conn) {
  return conn.local().is_unix() ? conn.local() : conn.remote();
}

inline std::string describe(evio::Conn& conn) {
  return "id=" + std::to_string(conn.id()) + " addr=" + endpoint(peer(conn)) +
         " laddr=" + endpoint(conn.local()) + " fd=" + std::to_string(conn.native_handle()) +
         " name=" + conn.context<Client>()->name +
         " age=0 idle=0 flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 obl=" +
         std::to_string(conn.pending_output()) + " user=default redir=-1 resp=2\n";
}

inline void client_id(Client& client, const Words&) {
  client.reply.integer(static_cast<std::int64_t>(client.conn.id()));
}

inline void client_info(Client& client, const Words&) { client.reply.bulk(describe(client.conn)); }

inline void client_list(Client& client, const Words& words) {
  const bool by_id = words.size() > 3 && is(words[2], "id");
  if (words.size() == 4 && is(words[2], "type") && !is(words[3], "normal"))
    return client.reply.error("Unknown client type '" + std::string(quoted(words[3])) + "'");
  if (words.size() > 2 && !by_id && !(words.size() == 4 && is(words[2], "type")))
    return client.reply.error("syntax error");
  std::vector<std::int64_t> ids;
  for (std::size_t i = 3; by_id && i < words.size(); ++i) {
    const auto id = integer(client, words[i], "Invalid client ID");
    if (!id) return;
    ids.push_back(*id);
  }
  std::string text;
  client.conn.loop().for_each([&](evio::Conn& conn) {
    const auto id = static_cast<std::int64_t>(conn.id());
    if (!by_id || std::find(ids.begin(), ids.end(), id) != ids.end()) text += describe(conn);
  });
  client.reply.bulk(text);
}

inline void client_kill(Client& client, const Words& words) {
  std::string_view address = words[2];
  std::int64_t id = 0;
  bool itself = words.size() == 3;
  if (words.size() > 3) {
    address = {};
    for (std::size_t i = 2; i < words.size(); i += 2) {
      if (i + 1 == words.size()) return client.reply.error("syntax error");
      const std::string_view value = words[i + 1];
      if (is(words[i], "id")) {
        const auto number = integer(client, value, "client-id should be greater than 0");
        if (!number) return;
        if (*number < 1) return client.reply.error("client-id should be greater than 0");
        id = *number;
      } else if (is(words[i], "addr")) {
        address = value;
      } else if (is(words[i], "skipme") && (is(value, "yes") || is(value, "no"))) {
        itself = is(value, "no");
      } else {
        return client.reply.error("syntax error");
      }
    }
  }
  std::int64_t killed = 0;
  client.conn.loop().for_each([&](evio::Conn& conn) {
    if ((!address.empty() && endpoint(peer(conn)) != address) ||
        (id != 0 && static_cast<std::int64_t>(conn.id()) != id))
      return;
    if (&conn != &client.conn)
      conn.abort();
    else if (itself)
      client.end(evio::Action::close);
    else
      return;
    ++killed;
  });
  if (words.size() > 3)
    client.reply.integer(killed);
  else if (killed > 0)
    client.reply.ok();
  else
    client.reply.error("No such client");
}

inline bool set_name(Client& client, std::string_view name) {
  if (std::any_of(name.begin(), name.end(), [](char c) { return c < '!' || c > '~'; })) {
    client.reply.error("Client names cannot contain spaces, newlines or special characters.");
    return false;
  }
  client.name = name;
  return true;
}

inline void client_setname(Client& client, const Words& words) {
  if (set_name(client, words[2])) client.reply.ok();
}

inline void client_getname(Client& client, const Words&) {
  if (client.name.empty())
    client.reply.null();
  else
    client.reply.bulk(client.name);
}

inline void client_no_evict(Client& client, const Words& words) {
  if (!is(words[2], "on") && !is(words[2], "off")) return client.reply.error("syntax error");
  client.reply.ok();
}

inline void client_reply(Client& client, const Words& words) {
  if (is(words[2], "on")) {
    client.mute(false);
    client.reply.ok();
  } else if (is(words[2], "off")) {
    client.mute(true);
  } else if (is(words[2], "skip")) {
    client.mute_next();
  } else {
    client.reply.error("syntax error");
  }
}

}  // namespace redis
