// Which handler answers which request.
#include <gtest/gtest.h>

#include <evio/http/router.hpp>
#include <stdexcept>
#include <string>

#include "protocol/http/routes.hpp"

namespace evio::test {
namespace {

using http::RouteTree;

void add(RouteTree& tree, std::string_view method, std::string_view pattern) {
  tree.add(method, pattern, {.handler = [](http::Request&, http::Response&) {}});
}

// "found a=1 b=2", "405 GET, HEAD" or "404".
std::string find(const RouteTree& tree, std::string_view method, std::string_view path) {
  std::vector<http::Param> params;
  const http::Found found = tree.find(method, path, params);
  if (!found.route) return found.allow.empty() ? "404" : "405 " + std::string(found.allow);
  std::string text = "found";
  for (const auto& [name, value] : params) text.append(" ").append(name).append("=").append(value);
  return text;
}

TEST(HttpRouter, LiteralsParametersAndRests) {
  RouteTree tree;
  for (const char* pattern : {"/", "/users", "/users/:id", "/users/me", "/users/:id/posts/:post", "/static/*path"})
    add(tree, "GET", pattern);
  EXPECT_EQ(find(tree, "GET", "/"), "found");
  EXPECT_EQ(find(tree, "GET", "/users"), "found");
  EXPECT_EQ(find(tree, "GET", "/users/"), "404");
  EXPECT_EQ(find(tree, "GET", "/users/me"), "found");
  EXPECT_EQ(find(tree, "GET", "/users/7"), "found id=7");
  EXPECT_EQ(find(tree, "GET", "/users/me/posts/a%2Fb"), "found id=me post=a%2Fb");
  EXPECT_EQ(find(tree, "GET", "/static/"), "found path=");
  EXPECT_EQ(find(tree, "GET", "/static/css/a.css"), "found path=css/a.css");
  EXPECT_EQ(find(tree, "GET", "/static"), "404");
  EXPECT_EQ(find(tree, "GET", "//"), "404");
  EXPECT_EQ(find(tree, "GET", "*"), "404");
}

// "%75" is another way to write "u" (RFC 9110, section 4.2.3), "%2F" none to write what separates segments.
TEST(HttpRouter, LiteralsInPercentEncoding) {
  RouteTree tree;
  for (const char* pattern : {"/users/me", "/a b", "/c%20d", "/:other"}) add(tree, "GET", pattern);
  EXPECT_EQ(find(tree, "GET", "/%75sers/m%65"), "found");
  EXPECT_EQ(find(tree, "GET", "/users%2Fme"), "found other=users%2Fme");
  EXPECT_EQ(find(tree, "GET", "/a%20b"), "found");
  EXPECT_EQ(find(tree, "GET", "/c%20d"), "found");
  EXPECT_EQ(find(tree, "GET", "/%2575sers/me"), "404");
}

TEST(HttpRouter, Methods) {
  RouteTree tree;
  add(tree, "GET", "/a");
  add(tree, "PUT", "/a");
  add(tree, "POST", "/b");
  EXPECT_EQ(find(tree, "HEAD", "/a"), "found");
  EXPECT_EQ(find(tree, "POST", "/a"), "405 GET, HEAD, PUT");
  EXPECT_EQ(find(tree, "HEAD", "/b"), "405 POST");
  EXPECT_EQ(find(tree, "get", "/a"), "405 GET, HEAD, PUT");
}

TEST(HttpRouter, PatternsThatMakeNoSense) {
  http::Router router;
  const auto handler = [](http::Request&, http::Response&) {};
  router.get("/a/:id", handler);
  EXPECT_THROW(router.get("a", handler), std::invalid_argument);
  EXPECT_THROW(router.get("", handler), std::invalid_argument);
  EXPECT_THROW(router.get("/*rest/more", handler), std::invalid_argument);
  EXPECT_THROW(router.get("/a/:id", handler), std::invalid_argument);
  EXPECT_THROW(router.get("/a/:other/more", handler), std::invalid_argument);
}

}  // namespace
}  // namespace evio::test
