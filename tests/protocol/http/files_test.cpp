// Files of a directory: lookup, conditions and ranges; read by threads and by the loop.
#include <gtest/gtest.h>

#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class HttpFiles : public Behaviour {
 protected:
  HttpFiles() {
    std::filesystem::create_directories(folder_ / "root/sub");
    write("root/hello.txt", "hello, world");
    write("root/index.html", "<p>");
    write("root/large.bin", pattern(3 * mib));
    write("secret", "secret");
    std::filesystem::create_symlink("../secret", folder_ / "root/out");
    std::filesystem::create_symlink("hello.txt", folder_ / "root/in");
    http::Router router;
    router.get("/*path",
               http::files(folder_ / "root", {.chunk = 64 * kib, .cache_control = "max-age=60"}));
    server_.emplace(as_set_up(http::server(std::move(router))), "tcp://127.0.0.1:0");
  }

  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name) << bytes;
  }

  struct Answer {
    std::string header;
    std::string body;
    std::string status() const { return header.substr(9, 3); }
    std::string field(const std::string& name) const {
      const std::size_t at = header.find("\r\n" + name + ": ");
      const std::size_t begin = at + name.size() + 4;
      return at == header.npos ? "" : header.substr(begin, header.find("\r\n", begin) - begin);
    }
  };
  Answer ask(const std::string& path, const std::string& fields = {},
             const std::string& method = "GET") {
    Client client = server_->connect();
    client.send(method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + fields +
                "\r\n");
    const std::string bytes = client.receive_rest().bytes;
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == bytes.npos) return {.header = "HTTP/1.1 none", .body = bytes};
    return {.header = bytes.substr(0, end + 2), .body = bytes.substr(end + 4)};
  }

  TemporaryDirectory folder_;
  std::optional<TestServer> server_;
};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(HttpFiles, 1);

TEST_P(HttpFiles, ExistingFilesAreServed) {
  EXPECT_EQ(ask("/hello.txt").body, "hello, world");
  EXPECT_EQ(ask("/hello%2etxt").body, "hello, world");
  EXPECT_EQ(ask("/in").body, "hello, world");
  EXPECT_EQ(ask("/").field("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(ask("/sub").field("Location"), "/sub/");
  EXPECT_TRUE(same_bytes(ask("/large.bin").body, pattern(3 * mib)));
  EXPECT_EQ(ask("/large.bin", "", "HEAD").field("Content-Length"), std::to_string(3 * mib));
  for (const char* path :
       {"/none", "/sub/", "/out", "/../secret", "/%2e%2e/secret", "/sub/../../secret", "//secret",
        "/hello.txt/", "/hello.txt%00", "/..%2fsecret"})
    EXPECT_EQ(ask(path).status(), "404") << path;
}

// Dot files are often private.
TEST_P(HttpFiles, DotFilesAreServedOnlyIfEnabled) {
  std::filesystem::create_directories(folder_ / "root/.git");
  for (const char* name : {"root/.env", "root/.git/config", "root/sub/.htpasswd"})
    write(name, "secret");
  for (const char* path :
       {"/.env", "/%2eenv", "/.git/config", "/%2Egit/config", "/sub/.htpasswd", "/sub/%2ehtpasswd"})
    EXPECT_EQ(ask(path).status(), "404") << path;
  http::Router router;
  router.get("/*path", http::files(folder_ / "root", {.dot_files = true}));
  server_.emplace(as_set_up(http::server(std::move(router))), "tcp://127.0.0.1:0");
  for (const char* path : {"/.env", "/%2egit/config", "/sub/.htpasswd"})
    EXPECT_EQ(ask(path).body, "secret") << path;
}

// However a path is written, a route that guards one path guards it.
TEST_P(HttpFiles, NoPathBypassesARoute) {
  write("root/sub/guarded", "secret");
  http::Router router;
  router.get("/*path", http::files(folder_ / "root"));
  router.get("/sub/*path", [](http::Request&, http::Response& response) { response.send(401); });
  server_.emplace(as_set_up(http::server(std::move(router))), "tcp://127.0.0.1:0");
  for (const char* path :
       {"/sub/guarded", "/./sub/guarded", "/%2e/sub/guarded", "/x/../sub/guarded",
        "/x/%2e%2e/sub/guarded", "/x/.%2E/sub/guarded", "/%73ub/guarded", "/sub/./guarded",
        "/../sub/guarded", "/sub/../sub/guarded", "http://x/./sub/guarded"})
    EXPECT_EQ(ask(path).status(), "401") << path;
  for (const char* path :
       {"/sub%2fguarded", "/sub%2Fguarded", "/sub%2f/guarded", "/.%2fsub/guarded",
        "/%2fsub/guarded", "/x%2f..%2fsub/guarded", "/sub%5cguarded", "/sub%252fguarded",
        "//sub/guarded", "/sub//guarded", "http://x//sub/guarded"})
    EXPECT_EQ(ask(path).status(), "404") << path;
  EXPECT_EQ(ask("/x/../hello.txt").body, "hello, world");
}

TEST_P(HttpFiles, LastModifiedIsNotAfterDate) {
  const auto future = std::filesystem::file_time_type::clock::now() + std::chrono::hours(1000);
  std::filesystem::last_write_time(folder_ / "root/hello.txt", future);
  const Answer answer = ask("/hello.txt");
  EXPECT_EQ(answer.field("Last-Modified"), answer.field("Date"));
}

TEST_P(HttpFiles,
       AFolderNamedLikeTheIndexIsNotServed) {  // a redirection would lead to another, for ever
  std::filesystem::create_directories(folder_ / "root/odd/index.html");
  EXPECT_EQ(ask("/odd").status(), "301");
  EXPECT_EQ(ask("/odd/").status(), "404");
}

TEST_P(HttpFiles, ConditionalRequestsAreAnswered) {
  const Answer whole = ask("/hello.txt");
  const std::string etag = whole.field("ETag"), modified = whole.field("Last-Modified");
  EXPECT_EQ(ask("/hello.txt", "If-None-Match: \"a\", W/" + etag + "\r\n").status(), "304");
  EXPECT_EQ(ask("/hello.txt", "If-None-Match: \"a\"\r\nIf-None-Match: " + etag + "\r\n").status(),
            "304");
  EXPECT_EQ(ask("/hello.txt", "If-None-Match: *\r\n").field("Vary"), "Accept-Encoding");
  EXPECT_EQ(ask("/hello.txt", "If-None-Match: \"a\"\r\n").status(), "200");
  EXPECT_EQ(ask("/hello.txt", "If-None-Match: \"a, *, b\"\r\n").status(), "200");
  EXPECT_EQ(ask("/hello.txt", "If-None-Match: W/\"a, \" , , " + etag + "\r\n").status(), "304");
  EXPECT_EQ(ask("/hello.txt", "If-None-Match: \"a," + etag + ",b\"\r\n").status(), "200");
  EXPECT_EQ(ask("/hello.txt", "If-Modified-Since: " + modified + "\r\n").status(), "304");
  EXPECT_EQ(ask("/hello.txt", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n").status(),
            "200");
  for (const char* past : {"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
    EXPECT_EQ(ask("/hello.txt", "If-Unmodified-Since: " + std::string(past) + "\r\n").status(),
              "412")
        << past;
  for (const char* future : {"Wednesday, 31-Dec-69 08:49:37 GMT", "Fri Dec 31 23:59:59 2099"})
    EXPECT_EQ(ask("/hello.txt", "If-Modified-Since: " + std::string(future) + "\r\n").status(),
              "304")
        << future;
  for (const char* none :
       {"whenever", "Fri, 31 Foo 2099 08:49:37 GMT", "Fri, 30 Feb 2099 08:49:37 GMT",
        "Fri, 31 Dec 2099 08:-9:37 GMT", "Fri Dec 31 23:59:59 2099 GMT"})
    EXPECT_EQ(ask("/hello.txt", "If-Modified-Since: " + std::string(none) + "\r\n").status(), "200")
        << none;
  EXPECT_EQ(ask("/hello.txt", "If-Match: \"a\"\r\n").status(), "412");
  EXPECT_EQ(ask("/hello.txt", "If-Match: " + etag + "\r\n").status(), "200");
  EXPECT_EQ(ask("/hello.txt", "If-Match: \"a\"\r\nIf-Match: " + etag + "\r\n").status(), "200");
  EXPECT_EQ(ask("/hello.txt", "If-Match: W/" + etag + "\r\n").status(), "412");
  EXPECT_EQ(ask("/hello.txt", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n").status(),
            "412");
  EXPECT_EQ(ask("/hello.txt", "Range: bytes=0-4\r\nIf-Range: " + etag + "\r\n").body, "hello");
  EXPECT_EQ(ask("/hello.txt", "Range: bytes=0-4\r\nIf-Range: " + modified + "\r\n").body, "hello");
  EXPECT_EQ(ask("/hello.txt", "Range: bytes=0-4\r\nIf-Range: \"a\"\r\n").status(), "200");
}

// A 304 has the ETag of the file itself; otherwise caches could not tell which file it refers to.
TEST_P(HttpFiles, TheEtagOfAnUnchangedFileIsStable) {
  write("root/page.html", std::string(5000, 'a'));
  for (const char* accepted : {"", "Accept-Encoding: gzip\r\n"}) {
    const std::string etag = ask("/page.html", accepted).field("ETag");
    EXPECT_EQ(ask("/page.html", accepted + ("If-None-Match: " + etag + "\r\n")).field("ETag"),
              etag);
  }
  EXPECT_TRUE(ask("/page.html", "Accept-Encoding: gzip\r\n").field("ETag").starts_with("W/"));
}

// A cache must not store an error reply caused by one client's conditions and serve it to others.
TEST_P(HttpFiles, RefusalsAreNotCached) {
  EXPECT_EQ(ask("/hello.txt").field("Cache-Control"), "max-age=60");
  EXPECT_EQ(ask("/hello.txt", "If-None-Match: *\r\n").field("Cache-Control"), "max-age=60");
  for (const char* fields : {"If-Match: \"a\"\r\n", "Range: bytes=99-\r\n"}) {
    const Answer refusal = ask("/hello.txt", fields);
    for (const char* name : {"Cache-Control", "ETag", "Last-Modified"})
      EXPECT_EQ(refusal.field(name), "") << fields;
  }
}

TEST_P(HttpFiles, RangesAreServed) {
  const auto part = [&](const std::string& range) {
    return ask("/hello.txt", "Range: " + range + "\r\n");
  };
  EXPECT_EQ(part("bytes=7-11").body, "world");
  EXPECT_EQ(part("bytes=7-").field("Content-Range"), "bytes 7-11/12");
  EXPECT_EQ(part("bytes=-5").body, "world");
  EXPECT_EQ(part("bytes=0-99").status(), "206");
  EXPECT_EQ(part("bytes=0-99").field("Vary"), "Accept-Encoding");
  EXPECT_EQ(part("bytes=7-99999999999999999999999").body, "world");
  EXPECT_EQ(part("bytes=-99999999999999999999999").field("Content-Range"), "bytes 0-11/12");
  EXPECT_EQ(part("bytes=-99").body, "hello, world");
  for (const char* none :
       {"bytes=12-", "bytes=99-100", "bytes=-0", "bytes=99999999999999999999999-"})
    EXPECT_EQ(part(none).status(), "416") << none;
  EXPECT_EQ(part("bytes=12-").field("Content-Range"), "bytes */12");
  for (const char* whole :
       {"bytes=5-4", "bytes=a-b", "bytes=-", "lines=1-2", "bytes=0-1,3-4", "bytes=1"})
    EXPECT_EQ(part(whole).status(), "200") << whole;
  write("root/empty", "");
  const auto empty = [&](const std::string& range) {
    return ask("/empty", "Range: bytes=" + range + "\r\n").status();
  };
  EXPECT_EQ(empty("-5"),
            "200");  // the last bytes are the whole file
  EXPECT_EQ(empty("0-"), "416");
  const std::string large = pattern(3 * mib);
  EXPECT_TRUE(same_bytes(ask("/large.bin", "Range: bytes=100000-2999999\r\n").body,
                         large.substr(100000, 2900000)));
}

TEST(HttpFilesRoot, MustBeADirectory) {
  EXPECT_THROW(http::files("/nowhere/at/all"), Error);
  EXPECT_THROW(http::files("/etc/passwd"), Error);
}

}  // namespace
}  // namespace evio::test
