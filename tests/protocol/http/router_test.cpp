// The router: which handler answers which request.
#include <gtest/gtest.h>

#include <evio/http/router.hpp>
#include <stdexcept>
#include <string>

#include "protocol/http/routes.hpp"
#include "protocol/http/syntax.hpp"

namespace evio::test { namespace {

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

TEST(HttpRouter, MatchesLiteralsParametersAndRests) {
  RouteTree tree;
  for (const char* pattern :
       {"/", "/users", "/users/:id", "/users/me", "/users/:id/posts/:post", "/static/*path"})
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

// "%75" is another spelling of "u" (RFC 9110, section 4.2.3); "%2F" is not a spelling of the
// separator of segments.
TEST(HttpRouter, MatchesPercentEncodedLiterals) {
  RouteTree tree;
  for (const char* pattern : {"/users/me", "/a b", "/c%20d", "/:other"}) add(tree, "GET", pattern);
  EXPECT_EQ(find(tree, "GET", "/%75sers/m%65"), "found");
  EXPECT_EQ(find(tree, "GET", "/users%2Fme"), "found other=users%2Fme");
  EXPECT_EQ(find(tree, "GET", "/a%20b"), "found");
  EXPECT_EQ(find(tree, "GET", "/c%20d"), "found");
  EXPECT_EQ(find(tree, "GET", "/%2575sers/me"), "404");
}

TEST(HttpRouter, ChecksTheMethod) {
  RouteTree tree;
  add(tree, "GET", "/a");
  add(tree, "PUT", "/a");
  add(tree, "POST", "/b");
  EXPECT_EQ(find(tree, "HEAD", "/a"), "found");
  EXPECT_EQ(find(tree, "POST", "/a"), "405 GET, HEAD, PUT");
  EXPECT_EQ(find(tree, "HEAD", "/b"), "405 POST");
  EXPECT_EQ(find(tree, "get", "/a"), "405 GET, HEAD, PUT");
}

// A path may match several routes: the reply is 405 only if none of them has the method.
TEST(HttpRouter, ListsTheMethodsOfAllMatchingRoutes) {
  RouteTree tree;
  for (const auto& [method, pattern] :
       {std::pair("GET", "/users/me"), std::pair("HEAD", "/users/me"),
        std::pair("PUT", "/users/:id"), std::pair("GET", "/users/:id"),
        std::pair("DELETE", "/*rest")})
    add(tree, method, pattern);
  EXPECT_EQ(find(tree, "GET", "/users/me"), "found");
  EXPECT_EQ(find(tree, "PUT", "/users/me"), "found id=me");
  EXPECT_EQ(find(tree, "DELETE", "/users/me"), "found rest=users/me");
  EXPECT_EQ(find(tree, "POST", "/users/me"), "405 GET, HEAD, PUT, DELETE");
  EXPECT_EQ(find(tree, "POST", "/users/7"), "405 PUT, GET, HEAD, DELETE");
  EXPECT_EQ(find(tree, "POST", "/users/7%2F8"), "405 PUT, GET, HEAD");
}

TEST(HttpRouter, ARestHasNoEncodedAndNoDoubleSlash) {
  RouteTree tree;
  add(tree, "GET", "/static/*path");
  add(tree, "GET", "/:other");
  EXPECT_EQ(find(tree, "GET", "/static/a%2Fb"), "404");
  EXPECT_EQ(find(tree, "GET", "/static/a%2fb"), "404");
  EXPECT_EQ(find(tree, "GET", "/static%2fb"), "found other=static%2fb");
  EXPECT_EQ(find(tree, "GET", "/static/a%252fb"), "found path=a%252fb");
  for (const char* path : {"/static//", "/static//a", "/static/a//b", "//static/a"})
    EXPECT_EQ(find(tree, "GET", path), "404");
}

TEST(HttpRouter, NormalizesPaths) {
  for (const char* path : {"/", "/a", "/a/", "//", "/a//b", "/a/b.c", "/.a/..b/...", "/%2e%2e%2e",
                           "/%2ea", "/a%2f..", "/%252e"})
    EXPECT_TRUE(http::is_normal_path(path)) << path;
  for (const auto& [path, normal] :
       {std::pair("/.", "/"), std::pair("/..", "/"), std::pair("/../a", "/a"),
        std::pair("/./a", "/a"), std::pair("/.//a", "//a"), std::pair("/a//../b", "/a/b"),
        std::pair("/a/./b/../c", "/a/c"), std::pair("/a/b/..", "/a/"), std::pair("/a/b/.", "/a/b/"),
        std::pair("/a/b/../../../c", "/c"), std::pair("/%2e/a", "/a"), std::pair("/x/%2E./a", "/a"),
        std::pair("/x/.%2e/a", "/a"), std::pair("/x/%2e%2E", "/"),
        std::pair("/./a%2fb", "/a%2fb")}) {
    EXPECT_FALSE(http::is_normal_path(path)) << path;
    EXPECT_EQ(http::normal_path(path), normal) << path;
  }
}

TEST(HttpRouter, RejectsInvalidPatterns) {
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
