// The tree of a Router's patterns, and the public Router, which fills it.
#include "protocol/http/routes.hpp"

#include <algorithm>
#include <evio/http/router.hpp>
#include <stdexcept>
#include <utility>

#include "protocol/http/syntax.hpp"

namespace evio { inline namespace v0 { namespace http {

namespace {

// Splits a path after its first slash: the first segment, and the rest, which begins with a slash
// or is empty.
std::pair<std::string_view, std::string_view> split(std::string_view path) {
  const std::size_t end = std::min(path.find('/'), path.size());
  return {path.substr(0, end), path.substr(end)};
}

// Whether a segment of a path matches a literal. The segment may be percent-encoded in any way:
// otherwise "/%61dmin" would lead around the route "/admin" to a less special one.
bool says(std::string_view segment, std::string_view literal) {
  return segment == literal ||
         (segment.find('%') != segment.npos && percent_decoded(segment) == literal);
}

bool has_encoded_slash(std::string_view path) noexcept {
  for (std::size_t at = path.find('%'); at != path.npos; at = path.find('%', at + 1))
    if (iequals(path.substr(at, 3), "%2f")) return true;
  return false;
}

[[noreturn]] void refuse(std::string_view pattern, const char* problem) {
  throw std::invalid_argument("evio: the route \"" + std::string(pattern) + "\" " + problem);
}

}  // namespace

const Route* RouteTree::Node::route(std::string_view method) const noexcept {
  for (const Method& each : methods)
    if (each.name == method) return &each.route;
  return method == "HEAD" ? route("GET") : nullptr;  // RFC 9110, section 9.3.2
}

void RouteTree::Node::add(std::string_view method, std::string_view pattern, Route route) {
  for (const Method& each : methods)
    if (each.name == method) refuse(pattern, "has a handler for this method already");
  methods.push_back({std::string(method), std::move(route)});
}

void RouteTree::add(std::string_view method, std::string_view pattern, Route route) {
  if (!pattern.starts_with('/')) refuse(pattern, "does not begin with a slash");
  node_of(pattern).add(method, pattern, std::move(route));
}

// Finds or makes the nodes of a pattern. Routes that share a parameter at the same place share its
// node, so they must give it the same name.
RouteTree::Node& RouteTree::node_of(std::string_view pattern) {
  Node* node = &root_;
  for (std::string_view left = pattern; !left.empty();) {
    const auto [segment, behind] = split(left.substr(1));
    left = behind;
    const bool rest = segment.starts_with('*');
    if (rest && !left.empty())
      refuse(pattern, "continues after a rest (\"*name\"), which must be the last segment");
    std::unique_ptr<Node>* place = rest ? &node->rest : &node->param;
    if (!rest && !segment.starts_with(':')) {
      const auto same = [literal = segment](const auto& each) { return each->segment == literal; };
      const auto found = std::find_if(node->literals.begin(), node->literals.end(), same);
      place = found != node->literals.end() ? &*found : &node->literals.emplace_back();
    }
    const std::string_view name =
        place == &node->rest || place == &node->param ? segment.substr(1) : segment;
    if (!*place) {
      *place = std::make_unique<Node>();
      (*place)->segment = name;
    } else if ((*place)->segment != name) {
      refuse(pattern, "names a parameter differently from a route that has it too");
    }
    node = place->get();
  }
  return *node;
}

Found RouteTree::find(std::string_view method, std::string_view path,
                      std::vector<Param>& params) const {
  Found found;
  if (!path.starts_with('/')) return found;
  const auto has_method = [&](const Node& node) {
    found.route = node.route(method);
    return found.route != nullptr;
  };
  if (visit(root_, path, params, has_method)) return found;
  const auto add = [&](std::string_view allowed) {
    if (!has_token(found.allow, allowed))
      found.allow.append(found.allow.empty() ? "" : ", ").append(allowed);
  };
  const auto list_methods = [&](const Node& node) {
    for (const Method& each : node.methods) {
      add(each.name);
      if (each.name == "GET") add("HEAD");
    }
    return false;
  };
  // No route for the method: collect the methods of all nodes that match the path.
  visit(root_, path, params, list_methods);
  return found;
}

// Calls visitor(node) for each node that matches the path, literals before parameters and these
// before a rest, until it returns true. So a search goes back where a more special node has no
// route for the method. `path` begins with a slash, or is used up.
template <class Visitor>
bool RouteTree::visit(const Node& node, std::string_view path, std::vector<Param>& params,
                      const Visitor& visitor) {
  if (path.empty()) return visitor(node);
  const auto [segment, behind] = split(path.substr(1));
  for (const auto& literal : node.literals)
    if (says(segment, literal->segment) && visit(*literal, behind, params, visitor)) return true;
  if (node.param && !segment.empty()) {
    params.push_back({node.param->segment, segment});
    if (visit(*node.param, behind, params, visitor)) return true;
    params.pop_back();
  }
  // A handler that splits a rest may read an encoded slash, or two slashes, as one slash. It would
  // then see another path than the one that was matched against the other routes.
  if (!node.rest || has_encoded_slash(path) || path.find("//") != path.npos) return false;
  params.push_back({node.rest->segment, path.substr(1)});
  if (visitor(*node.rest)) return true;
  params.pop_back();
  return false;
}

Router::Router() : tree_(std::make_unique<RouteTree>()) {}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

Router& Router::on(std::string_view method, std::string_view pattern, RequestHandler handler) {
  return add(method, pattern, std::move(handler), false);
}
Router& Router::stream(std::string_view method, std::string_view pattern, RequestHandler handler) {
  return add(method, pattern, std::move(handler), true);
}
Router& Router::add(std::string_view method, std::string_view pattern, RequestHandler handler,
                    bool streamed) {
  if (!handler) refuse(pattern, "has no handler: the function is empty");
  tree_->add(method, pattern, {.handler = std::move(handler), .streamed = streamed});
  return *this;
}

}}}  // namespace evio::v0::http
