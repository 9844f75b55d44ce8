// The lexical rules of HTTP: tokens, field values, hosts, lists, paths.
#pragma once

#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace http {

/// Whether the text is a token, such as a method or a field's name (RFC 9110, section 5.6.2).
bool is_token(std::string_view text) noexcept;
/// Whether the text may be a field's value (section 5.5): it has no control characters except tabs.
/// A line's end in a value would begin another field.
bool is_field_value(std::string_view text) noexcept;
/// Whether the text may be the value of Host: a name or address and perhaps a port, or nothing (RFC
/// 9112, section 3.2).
bool is_host(std::string_view text) noexcept;
/// Whether the text may be the authority of a URL: as Host, but not empty.
bool is_authority(std::string_view text) noexcept;
/// Compares ASCII letters in any case, independent of the locale.
bool iequals(std::string_view a, std::string_view b) noexcept;
/// Returns the text without the spaces and tabs around it.
std::string_view trimmed(std::string_view text) noexcept;
/// Removes the first member from a comma-separated list and returns it (RFC 9110, section 5.6.1).
/// Empty members are skipped; an empty result means the list's end.
std::string_view next_member(std::string_view& list) noexcept;
/// Removes the first entity tag from a list and returns it. Commas between its quotes are part of
/// it.
std::string_view next_tag(std::string_view& list) noexcept;
/// Whether a comma-separated list has this member, in any case.
bool has_token(std::string_view list, std::string_view member) noexcept;
/// Whether pred(member) is true for a member of a comma-separated field of the request. Several
/// fields with the same name are one list.
template <class Request, class Pred>
bool any_member(const Request& request, std::string_view name, Pred pred,
                std::string_view (*next)(std::string_view&) noexcept = next_member) {
  for (const auto& field : request.fields()) {
    if (!iequals(field.name, name)) continue;
    std::string_view list = field.value;
    for (std::string_view each = next(list); !each.empty(); each = next(list))
      if (pred(each)) return true;
  }
  return false;
}
/// Whether pred(tag) is true for an entity tag of a field of the request.
template <class Request, class Pred>
bool any_tag(const Request& request, std::string_view name, Pred pred) {
  return any_member(request, name, pred, next_tag);
}
/// Decodes each %XX. A percent sign without two hexadecimal digits stays as it is.
std::string percent_decoded(std::string_view text);
/// Whether a path has no dot segment: "." or "..", percent-encoded or not.
bool is_normal_path(std::string_view path) noexcept;
/// Resolves the dot segments of a path (RFC 3986, section 6.2.2.3): "/a" for "/./x/%2e%2e/a".
/// Routes and handlers then see the same path, however it was written.
std::string normal_path(std::string_view path);
/// Returns the name of a status: "Not Found" for 404; "Unknown" for one without a name.
std::string_view reason_of(int status) noexcept;

}}}  // namespace evio::v0::http
