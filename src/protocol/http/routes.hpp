// The tree of a Router's patterns, by path segment.
#pragma once

#include <evio/http/request.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http/message.hpp"

namespace evio { inline namespace v0 { namespace http {

/// A handler, and whether it is called before the body has arrived.
struct Route {
  RequestHandler handler;
  bool streamed = false;
};

/// The result of a search. If `route` is null, the answer is 405 with `allow` or, if that is empty,
/// 404.
struct Found {
  const Route* route = nullptr;
  std::string allow{};
};

/// A tree with one level per path segment, so that a search takes time in proportion to the path's
/// segments and the literals at each node, and not to the number of routes. Read by all loops
/// without a lock: it does not change once a server has it.
class RouteTree {
 public:
  /// Throws std::invalid_argument: see Router.
  void add(std::string_view method, std::string_view pattern, Route route);
  /// Finds the route of a request. `path` has no dot segments (see normal_path). `params` must be
  /// empty and gets the parameters, whose values are views of `path`.
  Found find(std::string_view method, std::string_view path, std::vector<Param>& params) const;

 private:
  struct Method {
    std::string name;
    Route route;
  };
  struct Node {
    std::string segment;  // a literal, or the name of a parameter or rest
    std::vector<std::unique_ptr<Node>> literals;
    std::unique_ptr<Node> param;
    std::unique_ptr<Node> rest;
    std::vector<Method> methods;

    const Route* route(std::string_view method) const noexcept;
    void add(std::string_view method, std::string_view pattern, Route route);
  };

  Node& node_of(std::string_view pattern);
  template <class Visitor>
  static bool visit(const Node& node, std::string_view path, std::vector<Param>& params,
                    const Visitor& visitor);

  Node root_;
};

}}}  // namespace evio::v0::http
