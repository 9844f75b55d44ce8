// Parses the list of Sec-WebSocket-Extensions.
#include "protocol/websocket/extension_list.hpp"

#include <algorithm>
#include <cstddef>

#include "protocol/websocket/handshake.hpp"

namespace evio { inline namespace v0 { namespace websocket {

namespace {

// Reads the elements of the list from the front, and skips the blanks after each.
class Scanner {
 public:
  explicit Scanner(std::string_view text) noexcept : rest_(text) { skip_blanks(); }

  bool at_end() const noexcept { return rest_.empty(); }
  bool take(char c) noexcept {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    skip_blanks();
    return true;
  }
  /// Removes and returns a token. Empty: there is no token.
  std::string_view token() noexcept {
    std::size_t size = 0;
    while (size < rest_.size() && is_token(rest_.substr(size, 1))) ++size;
    const std::string_view found = rest_.substr(0, size);
    rest_.remove_prefix(size);
    skip_blanks();
    return found;
  }
  /// Removes and returns a token that may be quoted. Empty: there is no such token. A quoted value
  /// must be a token, too (RFC 6455, section 9.1).
  std::string value() {
    if (!rest_.starts_with('"')) return std::string(token());
    std::string found;
    std::size_t i = 1;
    for (; i < rest_.size() && rest_[i] != '"'; ++i) {
      if (rest_[i] == '\\') ++i;
      if (i < rest_.size()) found += rest_[i];
    }
    if (i >= rest_.size() || !is_token(found)) return {};
    rest_.remove_prefix(i + 1);
    skip_blanks();
    return found;
  }

 private:
  void skip_blanks() noexcept {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
  }

  std::string_view rest_;
};

}  // namespace

std::vector<Extension> extensions_of(std::string_view list) {
  std::vector<Extension> all;
  Scanner scanner(list);
  while (!scanner.at_end()) {
    if (scanner.take(',')) continue;  // empty elements are allowed (RFC 9110, section 5.6.1)
    Extension extension{.name = scanner.token(), .parameters = {}};
    if (extension.name.empty()) return {};
    while (scanner.take(';')) {
      const std::string_view key = scanner.token();
      const bool has_value = scanner.take('=');
      std::string value = has_value ? scanner.value() : std::string();
      if (key.empty() || (has_value && value.empty())) return {};
      extension.parameters.emplace_back(key, std::move(value));
    }
    all.push_back(std::move(extension));
    if (!scanner.at_end() && !scanner.take(',')) return {};
  }
  return all;
}

}}}  // namespace evio::v0::websocket
