// The connections of an HTTP client, by host, and the calls that wait for one.
#pragma once

#include <deque>
#include <evio/events.hpp>
#include <evio/http/client.hpp>
#include <evio/loop.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "protocol/http/client_connection.hpp"

namespace evio { inline namespace v0 { namespace http {

/// One host and port. Hosts are never removed while the pool lives, so that calls and handlers may
/// refer to them.
struct Host {
  Binding binding;              // the address and the handlers of its connections
  std::size_t connections = 0;  // open or connecting
  std::size_t connecting = 0;   // those of them that are not connected yet
  std::vector<ClientConnection*> idle{};
  std::vector<ClientConnection*> busy{};
  std::deque<std::shared_ptr<PendingCall>> waiting{};
};

/// The pool behind a Client. Used on its loop's thread only. The connections belong to the loop and
/// may outlive the pool: their handlers have a weak pointer, and end the connection when the pool
/// is gone.
class ClientPool : public std::enable_shared_from_this<ClientPool> {
 public:
  ClientPool(Loop& loop, ClientSettings settings) : loop_(loop), settings_(settings) {}
  ClientPool(const ClientPool&) = delete;

  ClientCall call(ClientRequest call, Callback<void(ClientResponse)> done);
  /// Closes all connections and drops all calls.
  void end();
  /// Ends a call without calling its `done`.
  static void give_up(const std::shared_ptr<PendingCall>& call);

  const ClientSettings& settings() const noexcept { return settings_; }

 private:
  Host& host(const std::string& address);
  void serve(Host& host);

  Events handlers(const std::string& address);
  void opened(Host& host, Conn& conn);
  void read(Host& host, ClientConnection& connection, Input& in, bool ended);
  void closed(Host& host, ClientConnection* connection, std::error_code error);
  void fail_first(Host& host, std::error_code error);

  Loop& loop_;
  const ClientSettings settings_;
  std::map<std::string, Host> hosts_;
};

}}}  // namespace evio::v0::http
