// The state that all connections of an HTTP server share: routes and settings.
#pragma once

#include <evio/http/router.hpp>
#include <evio/http/settings.hpp>
#include <evio/loop.hpp>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "protocol/http/loop_cache.hpp"
#include "protocol/http/routes.hpp"

namespace evio { inline namespace v0 { namespace http {

/// One HTTP server. The routes and settings do not change after construction, so that all loops
/// read them without a lock.
class Service {
 public:
  Service(Router router, Settings settings);
  Service(RequestHandler handler, Settings settings);

  const Settings& settings() const noexcept { return settings_; }
  /// Finds the route of a request. For any thread.
  Found find(std::string_view method, std::string_view path, std::vector<Param>& params) const;
  /// Returns the loop's cache. It locks, so a connection asks once, when it begins.
  LoopCache& loop_cache(Loop& loop);

 private:
  std::unique_ptr<RouteTree> routes_;  // null: `all_` answers every request
  Route all_;
  Settings settings_;
  std::mutex mutex_;
  std::unordered_map<Loop*, std::unique_ptr<LoopCache>> workers_;
};

}}}  // namespace evio::v0::http
