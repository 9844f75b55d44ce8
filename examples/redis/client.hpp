// A connection to the server: its requests in order, its transactions, and KEYS, which runs in
// steps.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <evio/evio.hpp>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "glob.hpp"
#include "reply.hpp"
#include "request.hpp"
#include "store.hpp"
#include "text.hpp"

namespace redis {

class Client;

/// The state that all clients of the loop share.
struct Shared {
  Store store;
  std::string buffer;          // used by Reply
  std::uint64_t commands = 0;  // commands executed

  // KEYS: the clients whose search is not finished. One of them continues in each iteration of the
  // loop.
  std::list<Client*> searching;
  bool search_posted = false;
  // The steps that searches which start in this iteration may still use, all together.
  std::chrono::steady_clock::time_point iteration;
  std::size_t steps = 0;
};

struct Command {
  std::string_view name;  // "get", "config|get"
  int arity;              // number of words with the name; negative: at least that many
  void (*run)(Client&, const Words&);
  int key_first = 0, key_last = 0, key_step = 0;  // which words are keys
  enum { queued, at_once, refused } in_transaction = queued;
};

/// All commands; defined next to them.
std::span<const Command> commands();
/// The command of that name, regardless of case, or null.
const Command* find_command(std::string_view name);

/// Stored in the connection's context. Commands write to its `reply`.
class Client {
 public:
  Client(Shared& among_all, evio::Conn& connection)
      : shared(among_all), conn(connection), reply(connection, among_all.buffer) {}
  ~Client() { shared.searching.remove(this); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Executes the requests in the input until there is enough output or a search is unfinished:
  /// then it is called again.
  evio::Action data(evio::Input& in) {
    reply.begin();
    while (!in.empty() && !search_ && after_ == evio::Action::none && reply.more_wanted()) {
      const std::string_view input = in.view();
      const Request::State state = request_.parse(input);
      if (state == Request::State::incomplete) break;
      if (state == Request::State::invalid) {
        reply.error("Protocol error: " + request_.problem());
        after_ = evio::Action::close;
        break;
      }
      in.consume(request_.size());
      if (const Words words = request_.words(input); words.size() > 0) execute(words);
      request_.reset();
    }
    reply.flush();
    return after_;
  }

  /// Sends nothing after this command's reply; then takes `action`.
  void end(evio::Action action) { after_ = action; }

  void mute(bool on) {
    muted_ = on;
    mute_next_ = 0;
    reply.mute(on);
  }
  void mute_next() { mute_next_ = 2; }

  bool in_transaction() const { return in_transaction_; }
  void begin_transaction() { in_transaction_ = true; }
  /// Executes the queued commands, or discards them.
  void end_transaction(bool execute_them) {
    const bool spoiled = spoiled_;
    std::list<Waiting> waiting = forget_transaction();
    if (!execute_them) return reply.ok();
    if (spoiled) return reply.error("-EXECABORT Transaction discarded because of previous errors.");
    reply.array(waiting.size());
    running_ = std::move(waiting);
    run_transaction();
  }

  /// Replies with the matching keys: immediately if the search is short, else in steps between the
  /// loop's other work. Until then this client's further commands wait.
  void search(std::string pattern) {
    if (std::exchange(shared.iteration, conn.loop().now()) != conn.loop().now())
      shared.steps = slice;
    search_ = std::make_unique<Search>(Glob(std::move(pattern)), shared.store);
    if (go_on_searching(shared.steps)) return;
    conn.pause();
    shared.searching.push_back(this);
    post_search(shared, conn.loop());
  }

  Shared& shared;
  evio::Conn& conn;
  Reply reply;
  std::string name;

 private:
  // A command queued for EXEC, with copies of its words.
  struct Waiting {
    const Command* command;
    std::string text{};
    std::vector<Words::Place> places{};
  };

  struct Search {
    Search(Glob pattern, Store& store) : glob(std::move(pattern)), walk(store) {}
    Glob glob;
    Store::Walk walk;
    std::size_t count = 0;
    std::vector<evio::SharedBytes> found{};  // the reply so far,
    std::string last{};                      // and its end
  };

  static bool has_subcommands(std::string_view name) {
    return is(name, "client") || is(name, "command") || is(name, "config");
  }

  static const Command* find(const Words& words) {
    if (words.size() == 1 || !has_subcommands(words[0])) return find_command(words[0]);
    return find_command(std::string(words[0]) + '|' + std::string(words[1].substr(0, 16)));
  }

  static std::string unknown(const Words& words) {
    if (words.size() > 1 && has_subcommands(words[0]))
      return "unknown subcommand '" + std::string(quoted(words[1], 128)) + "'. Try " +
             upper(words[0]) + " HELP.";
    std::string rest;
    for (std::size_t i = 1; i < words.size() && rest.size() < 128; ++i)
      rest += '\'' + std::string(quoted(words[i], 128 - rest.size())) + "' ";
    return "unknown command '" + std::string(quoted(words[0], 128)) +
           "', with args beginning with: " + rest;
  }

  void execute(const Words& words) {
    const Command* command = find(words);
    const auto arity = static_cast<std::size_t>(command ? std::abs(command->arity) : 0);
    ++shared.commands;
    if (!command && (is(words[0], "post") ||
                     is(words[0], "host:"))) {  // a web page made a browser connect here
      reply.begin();
      end(evio::Action::close);
    } else if (!command) {
      refuse(nullptr, unknown(words));
    } else if (words.size() < arity || (command->arity > 0 && words.size() > arity)) {
      refuse(command, "wrong number of arguments for '" + std::string(command->name) + "' command");
    } else if (!in_transaction_ || command->in_transaction == Command::at_once) {
      command->run(*this, words);
    } else if (command->in_transaction == Command::refused) {
      refuse(command, "Command not allowed inside a transaction");
    } else {
      enqueue(*command, words);
    }
    if (!search_) executed();
  }

  void executed() {
    if (mute_next_ > 0) reply.mute(--mute_next_ > 0 || muted_);
  }

  void refuse(const Command* command, const std::string& why) {
    spoiled_ = in_transaction_;
    if (!command || command->name != "exec") return reply.error(why);
    forget_transaction();
    reply.error("-EXECABORT Transaction discarded because of: " + why);
  }

  std::list<Waiting> forget_transaction() {
    in_transaction_ = spoiled_ = false;
    return std::exchange(waiting_, {});
  }

  void enqueue(const Command& command, const Words& words) {
    Waiting waiting{&command};
    for (std::size_t i = 0; i < words.size(); ++i) {
      waiting.places.push_back({static_cast<std::uint32_t>(waiting.text.size()),
                                static_cast<std::uint32_t>(words[i].size())});
      waiting.text += words[i];
    }
    waiting_.push_back(std::move(waiting));
    reply.status("QUEUED");
  }

  void run_transaction() {
    while (!running_.empty() && !search_) {
      const Waiting next = std::move(running_.front());
      running_.pop_front();
      next.command->run(*this, Words(next.text.data(), next.places));
    }
  }

  // Searches until the steps are used up; true if all keys were found and the reply was sent.
  bool go_on_searching(std::size_t& steps) {
    Search& search = *search_;
    while (steps > 0) {
      if (search.walk.pushed()) search.glob.restart();
      const Store::Item* item = search.walk.item();
      if (!item) return answer_search();
      const std::string& key = item->first;
      const auto matches = search.glob.match(key, steps);
      if (!matches) return false;
      steps -= std::min(steps, steps_a_key);
      search.glob.restart();
      search.walk.advance();
      if (!*matches || Store::expired(*item)) continue;
      ++search.count;
      search.last += '$' + std::to_string(key.size()) + "\r\n";
      search.last += key;
      search.last += "\r\n";
      if (search.last.size() >= piece_bytes)
        search.found.emplace_back(std::exchange(search.last, {}));
    }
    return false;
  }

  bool answer_search() {
    const std::unique_ptr<Search> done = std::move(search_);
    reply.array(done->count);
    for (const evio::SharedBytes& piece : done->found) reply.as_it_is(piece);
    reply.as_it_is(evio::SharedBytes(std::move(done->last)));
    return true;
  }

  static void post_search(Shared& shared, evio::Loop& loop) {
    if (std::exchange(shared.search_posted, true)) return;
    loop.post([&shared, &loop] {
      shared.search_posted = false;
      if (shared.searching.empty()) return;
      Client* client = shared.searching.front();
      shared.searching.pop_front();
      if (!shared.searching.empty()) post_search(shared, loop);
      try {
        client->take_turn();
      } catch (...) {  // no memory for the reply
        client->conn.abort();
        throw;
      }
    });
  }

  void take_turn() {
    reply.begin();
    std::size_t steps = slice;
    if (!go_on_searching(steps)) {
      shared.searching.push_back(this);
      return post_search(shared, conn.loop());
    }
    run_transaction();
    if (!search_) executed();
    reply.flush();
    if (search_) return;
    if (after_ == evio::Action::close) conn.close();
    conn.resume();
  }

  static constexpr std::size_t slice = 100'000;  // steps: about half a millisecond
  static constexpr std::size_t steps_a_key = 32;
  static constexpr std::size_t piece_bytes = 1 << 20;  // of a reply

  Request request_;
  evio::Action after_ = evio::Action::none;
  bool muted_ = false;
  int mute_next_ = 0;
  bool in_transaction_ = false;
  bool spoiled_ = false;  // by a command that cannot be queued
  std::list<Waiting> waiting_, running_;
  std::unique_ptr<Search> search_;
};

/// Parses a number; replies with an error if the word is not one.
inline std::optional<std::int64_t> integer(
    Client& client, std::string_view word,
    const char* problem = "value is not an integer or out of range") {
  const auto value = to_integer(word);
  if (!value) client.reply.error(problem);
  return value;
}

}  // namespace redis
