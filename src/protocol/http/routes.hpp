// The tree of a Router's patterns.
#pragma once

#include <evio/http/request.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http/message.hpp"

namespace evio { inline namespace v0 { namespace http {

struct Route {
  RequestHandler handler;
  bool streamed = false;
};

/// What answers a request: `route`, or when that is null 405 with `allow` or, if that is empty,
/// 404.
struct Found {
  const Route* route = nullptr;
  std::string allow{};
};

class RouteTree {
 public:
  void add(std::string_view method, std::string_view pattern, Route route);
  /// `path` is a normal one (see normal_path); `params` is empty, and gets its parameters.
  Found find(std::string_view method, std::string_view path, std::vector<Param>& params) const;

 private:
  struct Method {
    std::string name;
    Route route;
  };
  struct Node {
    std::string segment;  // a literal, or a parameter's name
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
