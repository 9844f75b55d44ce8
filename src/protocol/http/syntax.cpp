// The lexical rules of HTTP.
#include "protocol/http/syntax.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <charconv>
#include <ostream>  // Beast's header needs it and does not include it

namespace evio { inline namespace v0 { namespace http {

namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

constexpr bool is_alphanumeric(char c) noexcept {
  return (lower(c) >= 'a' && lower(c) <= 'z') || is_digit(c);
}

constexpr bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
}

// A set of characters as a table, because every byte of a request is looked up in one.
class Characters {
 public:
  template <class Has>
  explicit constexpr Characters(Has has) noexcept {
    for (int i = 0; i < 256; ++i) has_[i] = has(static_cast<char>(i));
  }
  bool contain_all(std::string_view text) const noexcept {
    return std::ranges::all_of(text, [&](unsigned char c) { return has_[c]; });
  }

 private:
  bool has_[256]{};
};

// The characters of a token (RFC 9110, section 5.6.2), of a field's value (section 5.5), of a host
// with its port (RFC 3986, section 3.2), and of most hosts.
constexpr Characters of_tokens([](char c) {
  return is_alphanumeric(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
});
constexpr Characters of_values([](char c) { return c == '\t' || !is_control(c); });
constexpr Characters of_hosts([](char c) {
  const bool ascii = static_cast<unsigned char>(c) < 0x80;
  return ascii && !is_control(c) &&
         std::string_view(" \"#,/<>?@\\^`{|}").find(c) == std::string_view::npos;
});
constexpr Characters of_names([](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; });

int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// The port may be empty: "host:" (RFC 3986, section 3.2.3).
bool is_port(std::string_view text) noexcept {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return text.empty() ||
         (error == std::errc() && end == text.data() + text.size() && number <= 65535);
}

// Whether the text may stand in the brackets of a host: an IPv6 address, perhaps with a zone (RFC
// 6874), or an address of a later version (RFC 3986, section 3.2.2).
bool is_literal_address(std::string_view text) noexcept {
  if (text.starts_with('v') || text.starts_with('V')) {
    const std::size_t dot = text.find('.');
    return dot != text.npos && dot > 1 && dot + 1 < text.size() &&
           std::ranges::all_of(text.substr(1, dot - 1), [](char c) { return hex_value(c) >= 0; });
  }
  // inet_pton does not accept a zone, and needs a text that ends in a null byte.
  const std::string address(text.substr(0, text.find("%25")));
  in6_addr unused{};
  return ::inet_pton(AF_INET6, address.c_str(), &unused) == 1;
}

// Whether a percent sign is not followed by two hexadecimal digits.
bool has_bad_triplet(std::string_view text) noexcept {
  for (std::size_t at = text.find('%'); at != text.npos; at = text.find('%', at + 1))
    if (at + 2 >= text.size() || hex_value(text[at + 1]) < 0 || hex_value(text[at + 2]) < 0)
      return true;
  return false;
}

}  // namespace

bool is_token(std::string_view text) noexcept {
  return !text.empty() && of_tokens.contain_all(text);
}

bool is_field_value(std::string_view text) noexcept { return of_values.contain_all(text); }

bool is_host(std::string_view text) noexcept {
  if (of_names.contain_all(text)) return true;  // the usual case: one pass over a table
  if (!of_hosts.contain_all(text) || has_bad_triplet(text)) return false;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos || !is_literal_address(text.substr(1, end - 1))) return false;
    const std::string_view rest = text.substr(end + 1);
    return rest.empty() || (rest[0] == ':' && is_port(rest.substr(1)));
  }
  const std::size_t colon = std::min(text.find(':'), text.size());
  return text.find('[') == text.npos && text.find(']') == text.npos && !text.starts_with(':') &&
         is_port(text.substr(std::min(colon + 1, text.size())));
}

bool is_authority(std::string_view text) noexcept { return !text.empty() && is_host(text); }

bool iequals(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

namespace {

// Removes what is before the first comma at or after `from` from the list and returns it.
std::string_view take_member(std::string_view& list, std::size_t from) noexcept {
  const std::size_t comma = std::min(list.find(',', from), list.size());
  const std::string_view member = trimmed(list.substr(0, comma));
  list.remove_prefix(std::min(comma + 1, list.size()));
  return member;
}

}  // namespace

std::string_view next_member(std::string_view& list) noexcept {
  std::string_view member;
  while (member.empty() && !list.empty()) member = take_member(list, 0);
  return member;
}

// A comma in front of a tag's closing quote does not end the member.
std::string_view next_tag(std::string_view& list) noexcept {
  std::string_view member;
  while (member.empty() && !list.empty()) {
    list = trimmed(list);
    const std::size_t quote = list.starts_with("W/") ? 2 : 0;
    const bool quoted = list.substr(quote).starts_with('"');
    member = take_member(list, quoted ? std::min(list.find('"', quote + 1), list.size()) : 0);
  }
  return member;
}

bool has_token(std::string_view list, std::string_view member) noexcept {
  for (std::string_view each = next_member(list); !each.empty(); each = next_member(list))
    if (iequals(each, member)) return true;
  return false;
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low < 0) {
      decoded += text[i];
    } else {
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return decoded;
}

namespace {

// "." or ".." if the segment is one of these, percent-encoded or not; otherwise empty.
std::string_view dots_of(std::string_view segment) noexcept {
  std::size_t dots = 0;
  while (!segment.empty() && dots < 3) {
    const bool encoded = iequals(segment.substr(0, 3), "%2e");
    if (!encoded && segment[0] != '.') return {};
    segment.remove_prefix(encoded ? 3 : 1);
    ++dots;
  }
  return dots < 3 ? std::string_view("..").substr(0, dots) : std::string_view();
}

}  // namespace

bool is_normal_path(std::string_view path) noexcept {
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view segment = path.substr(at + 1, end - at - 1);
    const bool may_be_dots = segment.starts_with('.') || segment.starts_with('%');
    if (may_be_dots && !dots_of(segment).empty()) return false;
    at = end;
  }
  return true;
}

// A dot segment at the end leaves a slash: "/a/.." is "/", as RFC 3986, section 5.2.4, has it.
std::string normal_path(std::string_view path) {
  std::string normal;
  std::string_view dots;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(1, end - 1);
    path.remove_prefix(end);
    dots = dots_of(segment);
    if (dots == "..") normal.erase(std::min(normal.rfind('/'), normal.size()));
    if (dots.empty()) normal.append("/").append(segment);
  }
  return dots.empty() ? normal : normal + '/';
}

std::string_view reason_of(int status) noexcept {
  const auto reason = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(status)));
  return {reason.data(), reason.size()};
}

}}}  // namespace evio::v0::http
