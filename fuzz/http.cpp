// What the example http-server answers: the same, however the requests were split on their way.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "bytes.hpp"
#include "check.hpp"
#include "http/answer.hpp"

namespace {

constexpr std::string_view goes_on = "HTTP/1.1 100 Continue\r\n\r\n";

// Whether a client is told to go on does depend on what has arrived by then.
std::string without_continues(std::string_view answers) {
  std::string rest(answers);
  for (auto at = rest.find(goes_on); at != rest.npos; at = rest.find(goes_on, at)) rest.erase(at, goes_on.size());
  return rest;
}

// As a connection does it: what is left untaken comes again, with more behind it.
std::string answers_to(std::string_view bytes, std::size_t piece, http::Answers::Time now) {
  std::optional<http::Request> request;
  http::Answers answers;
  std::string untaken;
  while (!bytes.empty()) {
    untaken += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    evio::Input in(untaken);
    http::Progress progress;
    do progress = http::answer(request, in, answers, now);
    while (progress.next == http::Progress::full);
    if (progress.next == http::Progress::closes) break;
    untaken = std::string(in.view());
  }
  return without_continues(answers.batch());
}

// Which of two mistakes is seen first, and how soon, may depend on it; what is accepted, may not.
std::string without_refusal(std::string answers) {
  constexpr std::string_view line = "HTTP/1.1 ";
  const auto last = answers.rfind(line);
  if (last == answers.npos) return answers;
  const std::string status = answers.substr(last + line.size(), 3);
  for (const char* refusal : {"400", "413", "417", "431", "501"})
    if (status == refusal) return answers.substr(0, last);
  return answers;
}

// All but Date, which may differ by a second.
std::string without_dates(std::string answers) {
  for (auto at = answers.find("\r\nDate: "); at != answers.npos; at = answers.find("\r\nDate: ", at + 1))
    answers.erase(at, std::min(answers.find('\r', at + 2), answers.size()) - at);
  return answers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  evio::fuzz::Bytes bytes(data, size);
  const std::size_t piece = 1 + bytes.byte() % 64;
  const http::Answers::Time now{};
  const auto answers = [&](std::size_t at_a_time) {
    return without_dates(without_refusal(answers_to(bytes.rest(), at_a_time, now)));
  };
  CHECK(answers(piece) == answers(size));
  return 0;
}
