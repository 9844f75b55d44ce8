// Address: parsing and printing of addresses such as tcp://host:port and unix://path.
#include <arpa/inet.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <evio/address.hpp>
#include <evio/error.hpp>
#include <ostream>

namespace evio { inline namespace v0 {
namespace {

using Scheme = Address::Scheme;
using Ip = Address::Ip;

// In the order of the enumerators.
constexpr std::array<std::string_view, 7> scheme_names{"tcp",  "tcp4", "tcp6", "udp",
                                                       "udp4", "udp6", "unix"};

constexpr std::size_t path_length_max = 107;  // sockaddr_un has 108 bytes, the last of them NUL
constexpr std::size_t name_length_max = 253;  // the limit of the domain name system
constexpr std::size_t zone_length_max = 15;   // IFNAMSIZ without the NUL
// IPv4 addresses are stored as IPv4-mapped IPv6 addresses: ::ffff:a.b.c.d.
constexpr Ip ip4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t ip4_offset = 12;

[[noreturn]] void refuse(std::string_view url, const std::string& problem) {
  throw Error(std::make_error_code(std::errc::invalid_argument), url, problem);
}

std::string quoted(std::string_view part) { return "'" + std::string(part) + "'"; }

bool only4(Scheme scheme) { return scheme == Scheme::tcp4 || scheme == Scheme::udp4; }
bool only6(Scheme scheme) { return scheme == Scheme::tcp6 || scheme == Scheme::udp6; }

bool is_mapped4(const Ip& ip) {
  return std::equal(ip4_prefix.begin(), ip4_prefix.begin() + ip4_offset, ip.begin());
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name_char(char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; }
bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

bool read_ip4(std::string_view text, Ip& ip) {
  ip = ip4_prefix;
  return inet_pton(AF_INET, std::string(text).c_str(), ip.data() + ip4_offset) == 1;
}

bool read_ip6(std::string_view text, Ip& ip) {
  return inet_pton(AF_INET6, std::string(text).c_str(), ip.data()) == 1;
}

std::string print_ip(const Ip& ip) {
  char text[INET6_ADDRSTRLEN];
  const char* done = is_mapped4(ip) ? inet_ntop(AF_INET, ip.data() + ip4_offset, text, sizeof text)
                                    : inet_ntop(AF_INET6, ip.data(), text, sizeof text);
  return done ? done : "";
}

Scheme read_scheme(std::string_view url, std::string_view name) {
  const auto* found = std::find(scheme_names.begin(), scheme_names.end(), name);
  if (found != scheme_names.end()) return static_cast<Scheme>(found - scheme_names.begin());
  std::string known;
  for (std::string_view each : scheme_names)
    known += (known.empty() ? "" : ", ") + std::string(each);
  refuse(url, "unknown scheme " + quoted(name) + "; known are " + known);
}

std::uint16_t read_port(std::string_view url, std::string_view text) {
  if (text.empty()) refuse(url, "missing port; 0 chooses any free one");
  if (!all_digits(text)) refuse(url, "port " + quoted(text) + " is not a number");
  unsigned port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || port > 65535) {
    refuse(url, "port " + std::string(text) + " is not between 0 and 65535");
  }
  return static_cast<std::uint16_t>(port);
}

// Whether a host that is not an IPv4 address was probably meant to be one. 192.168.0.256 is a
// mistake, not a name. 127.1 and 0x7f000001 are rejected, too: getaddrinfo would accept them as
// addresses, by rules that few users expect.
bool looks_like_ip4(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  // Without a dot this is the whole host: npos + 1 is 0.
  std::string_view last = host.substr(host.rfind('.') + 1);
  return all_digits(last) || last.starts_with("0x") || last.starts_with("0X");
}

void check_name(std::string_view url, std::string_view host) {
  if (host.find(':') != host.npos && host.find_first_of("[]") == host.npos) {
    refuse(url, "an IPv6 address needs brackets: [" + std::string(host) + "]");
  }
  auto bad = std::find_if_not(host.begin(), host.end(), is_name_char);
  if (bad != host.end()) refuse(url, "host " + quoted(host) + " contains " + quoted({&*bad, 1}));
  if (host.size() > name_length_max) {
    refuse(url, "the host has " + std::to_string(host.size()) + " bytes; a name has at most 253");
  }
  if (looks_like_ip4(host)) refuse(url, quoted(host) + " is not an IPv4 address");
}

// Decodes a path: %XX is the byte XX, any other '%' is a '%'.
std::string unescape(std::string_view text) {
  std::string path;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && text.size() - i > 2 &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      path += static_cast<char>(byte);
      i += 2;
    } else {
      path += text[i];
    }
  }
  return path;
}

// The inverse of unescape(). It escapes the characters that parse() treats specially, and control
// characters, so that an address fits into one line of a log.
std::string escape(std::string_view path) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string text;
  for (char c : path) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '%' || c == '?' || byte < ' ' || byte == 0x7f)
      ((text += '%') += digits[byte >> 4]) += digits[byte & 15];
    else
      text += c;
  }
  return text;
}

std::string read_path(std::string_view url, std::string_view text) {
  std::string path = unescape(text);
  if (path.empty()) refuse(url, "the path is empty");
  if (path.size() > path_length_max) {
    refuse(url, "the path has " + std::to_string(path.size()) +
                    " bytes; that of a unix socket has at most 107");
  }
  if (path[0] != '@' && path.find('\0') != path.npos) refuse(url, "the path contains a NUL");
  return path;
}

}  // namespace

Address Address::parse(std::string_view url) {
  if (url.find('\0') != url.npos) refuse(url, "contains a NUL");
  if (auto query = url.find('?'); query != url.npos)
    refuse(url, "unexpected query " + quoted(url.substr(query)));

  std::string_view rest = url;
  Address address;
  if (auto end = url.find("://"); end != url.npos) {
    address.scheme_ = read_scheme(url, url.substr(0, end));
    rest.remove_prefix(end + 3);
  }
  if (address.is_unix()) {
    address.name_ = read_path(url, rest);
    return address;
  }
  auto colon = rest.rfind(':');
  if (colon == rest.npos || rest.ends_with(']'))
    refuse(url, "missing port; 0 chooses any free one");
  address.port_ = read_port(url, rest.substr(colon + 1));
  address.read_host(url, rest.substr(0, colon));
  return address;
}

void Address::read_host(std::string_view url, std::string_view host) {
  if (host.empty()) return;
  if (host.starts_with('[') && host.ends_with(']')) {
    read_bracketed(url, host.substr(1, host.size() - 2));
  } else if (read_ip4(host, ip_)) {
    has_ip_ = true;
  } else {
    ip_ = {};
    check_name(url, host);
    name_ = host;
  }
  if (only4(scheme_) && host.starts_with('[') && !is_ip4())
    refuse(url, "an IPv6 address with an IPv4 scheme");
  if (only6(scheme_) && is_ip4()) refuse(url, "an IPv4 address with an IPv6 scheme");
}

void Address::read_bracketed(std::string_view url, std::string_view literal) {
  std::string_view text = literal.substr(0, literal.find('%'));
  if (!read_ip6(text, ip_)) refuse(url, quoted(text) + " is not an IPv6 address");
  has_ip_ = true;
  if (text.size() < literal.size()) read_zone(url, literal.substr(text.size() + 1));
}

// A zone that is a number is stored as scope_. One that is a name needs a name resolution, so the
// address is then stored as a name.
void Address::read_zone(std::string_view url, std::string_view zone) {
  if (is_ip4()) refuse(url, "an IPv4 address has no zone");
  if (zone.empty()) refuse(url, "the zone is empty");
  if (all_digits(zone)) {
    auto [end, error] = std::from_chars(zone.data(), zone.data() + zone.size(), scope_);
    if (error != std::errc())
      refuse(url, "zone " + std::string(zone) + " is not an interface number");
    return;
  }
  if (zone.size() > zone_length_max || !std::all_of(zone.begin(), zone.end(), is_name_char)) {
    refuse(url, "zone " + quoted(zone) + " is not an interface name");
  }
  name_ = print_ip(ip_) + '%' + std::string(zone);
  ip_ = {};
  has_ip_ = false;
}

Address Address::from_ip(Scheme scheme, const Ip& ip, std::uint16_t port, std::uint32_t scope) {
  assert(scheme != Scheme::local);
  Address address;
  address.scheme_ = scheme;
  address.ip_ = ip;
  address.has_ip_ = true;
  address.port_ = port;
  address.scope_ = address.is_ip4() ? 0 : scope;
  return address;
}

Address Address::from_path(std::string_view path) {
  Address address;
  address.scheme_ = Scheme::local;
  address.name_ = path;
  return address;
}

Address Address::with_port(std::uint16_t port) const {
  Address address = *this;
  address.port_ = port;
  return address;
}

bool Address::is_ip4() const noexcept { return has_ip_ && is_mapped4(ip_); }

std::string Address::host() const {
  if (!has_ip_) return name_;
  return scope_ == 0 ? print_ip(ip_) : print_ip(ip_) + '%' + std::to_string(scope_);
}

std::string Address::to_string() const {
  std::string url = std::string(scheme_names[static_cast<std::size_t>(scheme_)]) + "://";
  if (is_unix()) return url + escape(name_);
  std::string host = this->host();
  url += host.find(':') == host.npos ? host : '[' + host + ']';
  return url + ':' + std::to_string(port_);
}

std::ostream& operator<<(std::ostream& out, const Address& address) {
  return out << address.to_string();
}

}}  // namespace evio::v0

std::size_t std::hash<evio::Address>::operator()(const evio::Address& address) const noexcept {
  struct {
    evio::Address::Ip ip;
    std::uint32_t scope;
    std::uint16_t port;
    std::uint16_t scheme;
  } const parts{address.ip_, address.scope_, address.port_,
                static_cast<std::uint16_t>(address.scheme_)};
  static_assert(sizeof parts == 24, "padding bytes would be hashed");
  const std::hash<std::string_view> of_text;
  return of_text({reinterpret_cast<const char*>(&parts), sizeof parts}) * 31 +
         of_text(address.name_);
}
